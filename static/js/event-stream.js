// Hints from /ws/events/: which order, plan or account changed. The page fetches the new state over HTTP.
// An element listens with hx-trigger="order-changed from:body", or, with id="order-<uuid>", with hx-trigger="order-changed".
import { connect } from "./socket.js"

export const mount = (el) => {
  let wasLost = false
  connect(el.dataset.url ?? document.body.dataset.eventsUrl, {
    onOpen: () => {
      if (wasLost) document.body.dispatchEvent(new Event("events-back"))
      wasLost = false
    },
    onMessage: ({ type, id, version }) => {
      if (!type?.endsWith(".changed")) return
      const name = type.replace(".", "-")
      const kind = type.split(".")[0]
      const event = () => new CustomEvent(name, { detail: { id, version } })
      document.getElementById(`${kind}-${id}`)?.dispatchEvent(event())
      document.body.dispatchEvent(event())
    },
    onLost: () => { wasLost = true },
  })
}
