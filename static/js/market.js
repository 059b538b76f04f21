// The page's one market socket: who wants what, the latest of everything, and the market's clock.
import { connect } from "./socket.js"

const listeners = { quote: new Map(), book: new Map(), trades: new Map(), clock: new Map(), state: new Set() }
const latest = { quote: new Map(), book: new Map(), trades: new Map(), clock: new Map() }
let connected, socket

const listen = (kind, key, callback) => {
  if (!listeners[kind].has(key)) listeners[kind].set(key, new Set())
  listeners[kind].get(key).add(callback)
  if (latest[kind].has(key)) callback(latest[kind].get(key))
}
const tell = (kind, key, value) => {
  latest[kind].set(key, value)
  listeners[kind].get(key)?.forEach((callback) => callback(value))
}

const onMessage = (message) => {
  if (message.type === "quotes") message.quotes.forEach((quote) => tell("quote", quote.key, { ...quote, heard: Date.now() }))
  if (message.type === "book") tell("book", message.key, message)
  if (message.type === "trades") tell("trades", message.key, message.trades)
  for (const clock of message.clocks ?? [message.clock]) if (clock) tell("clock", clock.source, { ...clock, at: Date.parse(clock.at), heard: Date.now() })
}
const setConnected = (value) => {
  const isBack = value && connected === false
  connected = value
  listeners.state.forEach((callback) => callback(value))
  if (isBack) document.body.dispatchEvent(new Event("stream-back")) // fragments refetch: hx-trigger="stream-back from:body"
}

const ask = () => {
  const keys = [...listeners.quote.keys()]
  if (keys.length) socket.send({ subscribe: keys })
  for (const key of listeners.book.keys()) socket.send({ book: key })
}
let asked
const start = () => {
  if (!document.body.dataset.quotesUrl) return
  socket ??= connect(document.body.dataset.quotesUrl, {
    onOpen: () => { ask(); setConnected(true) },
    onMessage,
    onLost: () => setConnected(false),
  })
  clearTimeout(asked)
  asked = setTimeout(ask) // modules mount one after another: ask once for all of them
}

export const onQuote = (key, callback) => { listen("quote", key, callback); start() }
export const onBook = (key, callback) => { listen("book", key, callback); start() }
// The last trades come with the book of the same instrument.
export const onTrades = (key, callback) => listen("trades", key, callback)
// Also on a page without a single price: its clock must not look as if the market had stopped.
export const onClock = (source, callback) => { listen("clock", source, callback); start() }
export const onState = (callback) => { listeners.state.add(callback); if (connected !== undefined) callback(connected) }

// What time it is in the market of `source` right now, in milliseconds; undefined before its first word.
export const marketNow = (source) => {
  const clock = latest.clock.get(source)
  return clock && clock.at + (Date.now() - clock.heard) * clock.speed
}
export const marketSpeed = (source) => latest.clock.get(source)?.speed ?? 1
