// The strategy builder: what is wrong is told beside its field as soon as the server has read the form; every button is the server's.
export const mount = (form) => {
  const mark = () => {
    form.querySelectorAll("ul.field__errors").forEach((list) => list.replaceChildren())
    form.querySelectorAll('[aria-invalid="true"]').forEach((field) => field.removeAttribute("aria-invalid"))
    for (const { dataset: { id, text } } of form.querySelectorAll('[data-part="problems"] [data-id]')) {
      const list = document.getElementById(`${id}-errors`)
      if (!list) continue
      const line = document.createElement("li")
      line.textContent = text
      list.append(line)
      document.getElementById(id).setAttribute?.("aria-invalid", "true")
    }
  }
  form.addEventListener("htmx:afterSettle", ({ detail: { target } }) => {
    if (target.id !== "builder-side") return
    mark()
    document.body.dispatchEvent(new CustomEvent("rule-changed"))
  })
  document.body.dispatchEvent(new CustomEvent("rule-changed"))
}
