// A <details> menu closes on Escape and on a click elsewhere.
export const mount = (el) => {
  document.addEventListener("click", ({ target }) => { if (!el.contains(target)) el.open = false })
  el.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !el.open) return
    el.open = false
    el.querySelector("summary").focus()
  })
}
