// The strategy builder: what is wrong is told beside its field as soon as the server has read the form; every button is the server's.
// What somebody types while a button's answer is on its way is put into the form that comes with it.
const read = (form) => new Map([...new FormData(form)].filter(([, value]) => typeof value === "string"))
let sent // the form as a button sent it
let since = [] // what was typed after that

const MOVES = /^(remove|up|down):(.*)\.\d+$/ // other parts have these places now

const keepTyping = (form) => {
  form.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (detail.target !== form) return
    const [, , list] = MOVES.exec(detail.requestConfig.parameters.do ?? "") ?? []
    sent = { fields: read(form), isMoved: (name) => list !== undefined && name.startsWith(`${list}.`) }
  })
  form.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target !== form || !sent) return
    since = [...read(form)].filter(([name, value]) => sent.fields.has(name) && sent.fields.get(name) !== value && !sent.isMoved(name))
    sent = undefined
  })
}

const putBack = (form) => {
  const typed = since
  since = []
  for (const [name, value] of typed) {
    const field = form.elements.namedItem(name)
    if (!field || field.value === value) continue
    field.value = value
    field.dispatchEvent(new Event("change", { bubbles: true })) // another kind fetches its own fields
  }
}

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
  keepTyping(form)
  keepSide()
  watchLeaving(form)
  form.addEventListener("htmx:afterSwap", ({ detail: { target } }) => { if (target.id === "builder-side") keepSide() })
  form.addEventListener("htmx:afterSettle", ({ detail: { target } }) => {
    if (target.id !== "builder-side") return
    mark(form)
    document.body.dispatchEvent(new CustomEvent("rule-changed"))
  })
  putBack(form)
  document.body.dispatchEvent(new CustomEvent("rule-changed"))
}
