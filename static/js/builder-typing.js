// What somebody types while a button's answer is on its way is put into the form that comes with it.
// It listens on the document, not on a form: the next form has come and is typed into before any script has mounted it.
const MOVES = /^(remove|up|down):(.*)\.\d+$/ // other parts have these places now

let sent // the form as a button sent it
let since = [] // what was typed after that
let came // the form as the answer brought it

const read = (form) => new Map([...new FormData(form)].filter(([, value]) => typeof value === "string"))
const isBuilder = (el) => el?.id === "builder"

const remember = ({ detail: { target, requestConfig } }) => {
  if (!isBuilder(target)) return
  const [, , list] = MOVES.exec(requestConfig.parameters.do ?? "") ?? []
  sent = { fields: read(target), isMoved: (name) => list !== undefined && name.startsWith(`${list}.`) }
}

const compare = ({ detail: { target } }) => {
  if (!isBuilder(target) || !sent) return
  since = [...read(target)].filter(([name, value]) => sent.fields.has(name) && sent.fields.get(name) !== value && !sent.isMoved(name))
  sent = undefined
}

const putBack = ({ target: form }) => {
  if (!isBuilder(form)) return
  came = read(form)
  for (const [name, value] of since) {
    const field = form.elements.namedItem(name)
    if (field) field.value = value
  }
  since = []
}

// Only now does the form listen to its own fields: what differs from what came is told to it, another kind fetches its fields.
const tellChanges = ({ target: form }) => {
  if (!isBuilder(form) || !came) return
  const changed = [...read(form)].filter(([name, value]) => came.get(name) !== value)
  came = undefined
  for (const [name] of changed) form.elements.namedItem(name)?.dispatchEvent?.(new Event("change", { bubbles: true }))
}

document.addEventListener("htmx:beforeRequest", remember)
document.addEventListener("htmx:beforeSwap", compare)
document.addEventListener("htmx:afterSwap", putBack)
document.addEventListener("htmx:load", tellChanges)
