// Hints from /ws/events/: which order, plan or account changed; the page then fetches what over HTTP.
// Fragments listen on the body: order-changed, plan-changed, account-changed, backtest-changed, trading-changed (any of them) and
// values-due (prices have moved on). An element with id="order-<uuid>" also hears its own order-changed.
import { connect } from "./socket.js"

const TYPES = ["order.changed", "plan.changed", "account.changed", "backtest.changed"]
const PAUSE = 1000 // hints come in bursts (order, account, plan): one refetch answers them all
const VALUES = 5000
const WITHOUT_STREAM = 15_000

export const mount = (el) => {
  const hints = new Map()
  let stamp = el.dataset.stamp
  let last = 0
  let due, polling

  const say = (target, name, detail) => target?.dispatchEvent(new CustomEvent(name, { detail }))
  const flush = () => {
    due = undefined
    last = Date.now()
    const types = new Set([...hints.values()].map(({ type }) => type))
    for (const { type, id, version } of hints.values()) say(document.getElementById(`${type.split(".")[0]}-${id}`), type.replace(".", "-"), { id, version })
    hints.clear()
    for (const type of types) say(document.body, type.replace(".", "-"))
    say(document.body, "trading-changed")
  }
  const hear = (hint) => {
    hints.set(`${hint.type} ${hint.id}`, hint)
    due ??= setTimeout(flush, Math.max(50, last + PAUSE - Date.now()))
  }
  const hearEverything = () => TYPES.forEach((type) => hear({ type, id: "" }))

  connect(document.body.dataset.eventsUrl, {
    onOpen: () => {
      if (polling) hearEverything()
      clearInterval(polling)
      polling = undefined
    },
    onMessage: (message) => {
      if (TYPES.includes(message.type)) hear(message)
      if (message.type !== "heartbeat" || message.stamp === stamp) return
      stamp = message.stamp // a hint was lost, or has just been answered
      hearEverything()
    },
    onLost: () => { polling ??= setInterval(hearEverything, WITHOUT_STREAM) },
  })
  setInterval(() => { if (!document.hidden) say(document.body, "values-due") }, VALUES)
}
