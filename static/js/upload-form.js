// A file on its way says how far it is. Without this module the browser sends the form itself, and shows its own progress.
export const mount = (form) => {
  const sending = form.querySelector("[data-part=sending]")
  const said = form.querySelector("[data-part=said]")
  const bar = sending.querySelector("progress")
  const button = form.querySelector("button")

  const say = (text) => { sending.hidden = false; said.textContent = text }
  const giveBack = (text) => { button.disabled = false; bar.hidden = true; say(text) }

  const show = (html) => {
    const page = document.querySelector("main")
    const next = new DOMParser().parseFromString(html, "text/html").querySelector("main")
    if (!next) return giveBack(form.dataset.lost)
    page.replaceWith(next)
    next.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true })) // its own modules are mounted
    next.querySelector(".field__errors, .notice")?.scrollIntoView({ block: "center" })
  }

  form.addEventListener("submit", (event) => {
    const [file] = form.querySelector("input[type=file]").files
    if (!file) return
    event.preventDefault()
    if (file.size > Number(form.dataset.most) * 1024 * 1024) return giveBack(form.dataset.tooLarge)
    const request = new XMLHttpRequest()
    request.upload.onprogress = ({ loaded, total }) => {
      const percent = Math.floor(100 * loaded / total)
      bar.value = percent
      say(form.dataset.sending.replace("{percent}", percent))
    }
    request.upload.onload = () => { bar.removeAttribute("value"); say(form.dataset.received) }
    request.onload = () => {
      const went = new URL(request.responseURL).pathname
      if (request.status === 200 && went !== new URL(form.action).pathname) location.assign(went)
      else show(request.responseText)
    }
    request.onerror = () => giveBack(form.dataset.lost)
    request.open("POST", form.action)
    bar.hidden = false
    button.disabled = true
    say(form.dataset.sending.replace("{percent}", 0))
    request.send(new FormData(form)) // before anything is disabled: what is disabled is not sent
  })
}
