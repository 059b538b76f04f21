// The strategy builder: what is wrong is told beside its field as soon as the server has read the form; every button is the server's.
import "./builder-typing.js"

const mark = (form) => {
  form.querySelectorAll("ul.field__errors").forEach((list) => list.replaceChildren())
  form.querySelectorAll('[aria-invalid="true"]').forEach((field) => field.removeAttribute("aria-invalid"))
  for (const { dataset: { id, text } } of form.querySelectorAll('[data-part="problems"] [data-id]')) {
    const list = document.getElementById(`${id}-errors`)
    if (!list) continue
    const line = document.createElement("li")
    line.textContent = text
    list.append(line)
    if (document.getElementById(id)?.matches("input, select, textarea")) document.getElementById(id).setAttribute("aria-invalid", "true")
  }
}

// Beside the form there is room for the sentences; in a narrow window they wait at its foot until somebody opens them.
let isOpen = !matchMedia("(max-width: 67.999rem)").matches
const keepSide = () => {
  const side = document.querySelector("#builder-side > details")
  if (!side) return
  side.open = isOpen
  side.addEventListener("toggle", () => { isOpen = side.open })
}

// Who leaves with something unsaved is asked first; who saves or downloads is not.
let isAsking = false
const ask = (event) => event.preventDefault()
const askBeforeLeaving = (wanted) => {
  if (wanted === isAsking) return
  isAsking = wanted
  if (wanted) addEventListener("beforeunload", ask)
  else removeEventListener("beforeunload", ask)
}
const watchLeaving = (form) => {
  if (form.hasAttribute("data-unsaved")) askBeforeLeaving(true)
  form.addEventListener("input", () => askBeforeLeaving(true))
  form.addEventListener("submit", () => {
    const wasAsking = isAsking
    askBeforeLeaving(false)
    setTimeout(() => askBeforeLeaving(wasAsking), 2000) // a download leaves the page, and what is unsaved, where it is
  })
}

export const mount = (form) => {
  keepSide()
  watchLeaving(form)
  form.addEventListener("htmx:afterSwap", ({ detail: { target } }) => { if (target.id === "builder-side") keepSide() })
  form.addEventListener("htmx:afterSettle", ({ detail: { target } }) => {
    if (target.id !== "builder-side") return
    mark(form)
    document.body.dispatchEvent(new CustomEvent("rule-changed"))
  })
  document.body.dispatchEvent(new CustomEvent("rule-changed"))
}
