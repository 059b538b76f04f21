// Says when the live prices are away. The words are in the element; this only shows and hides it.
import { onState } from "./market.js"

export const mount = (el) => {
  let late
  onState((connected) => {
    clearTimeout(late)
    if (connected) el.hidden = true
    else late = setTimeout(() => { el.hidden = false }, 800) // a page change is not a loss
  })
}
