// Live prices in place: every [data-quote="KRX:005930"] in (or being) the element, its cells [data-field="price"] and so on.
// data-decimals says how fine its prices are. A cell flashes when its price moves; a row turns grey when its price is old.
import { marketNow, marketSpeed, onQuote } from "./market.js"
import { compact, direction, price, signed, signedRate } from "./figures.js"

const STALE_AFTER = 15_000 // as the server says (markets.services.quotes.STALE_AFTER)

const write = {
  price: (quote, places) => price(quote.price, places),
  change: (quote, places) => signed(quote.change, price(quote.change, places)),
  change_rate: (quote) => signedRate(quote.change_rate),
  bid: (quote, places) => price(quote.bid, places),
  ask: (quote, places) => price(quote.ask, places),
  day_volume: (quote) => compact(quote.day_volume),
  at: (quote, _places, cell) => new Date(quote.at).toLocaleTimeString("sv-SE", { timeZone: cell.dataset.zone }),
}

// A price that has moved is tinted for a moment. No animation: sixty cells that fade at once would paint the page at every frame.
const FLASH = 500
const tinted = new Map()
let sweeping
const sweep = () => {
  const now = Date.now()
  for (const [cell, until] of tinted) if (now >= until) { cell.classList.remove("moved-up", "moved-down"); tinted.delete(cell) }
  if (!tinted.size) { clearInterval(sweeping); sweeping = undefined }
}
const flash = (cell, rises) => {
  const [name, other] = rises ? ["moved-up", "moved-down"] : ["moved-down", "moved-up"]
  if (!cell.classList.contains(name)) { cell.classList.remove(other); cell.classList.add(name) }
  tinted.set(cell, Date.now() + FLASH)
  sweeping ??= setInterval(sweep, FLASH / 2)
}

const colour = (cell, value) => {
  const wanted = direction(value)
  if (cell.classList.contains(wanted)) return
  cell.classList.remove("rise", "fall", "flat")
  cell.classList.add(wanted)
}

// Nobody reads ten prices a second: what has come is written together, at most every 130 ms, the newest of each row. The last
// one is always written. What is out of sight waits for its row to come into sight, or for the next look at what is old.
const PACE = 130
const waiting = new Set()
const outOfSight = new WeakSet()
const comeInto = new WeakMap()
let due, wrote = 0
const writeAll = () => {
  due = undefined
  wrote = Date.now()
  for (const show of waiting) show()
  waiting.clear()
}
const soon = (show) => {
  waiting.add(show)
  due ??= setTimeout(() => requestAnimationFrame(writeAll), Math.max(0, wrote + PACE - Date.now()))
}
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) { outOfSight.delete(target); comeInto.get(target)?.() } else outOfSight.add(target)
  }
}, { rootMargin: "100px" })

const watch = (row) => {
  const places = Number(row.dataset.decimals ?? 0)
  const cells = [...row.querySelectorAll("[data-field]")]
  const began = Date.now()
  const wasStale = row.classList.contains("is-stale")
  let last, heard
  const hear = (quote) => {
    heard = quote
    if (!outOfSight.has(row)) soon(show)
  }
  const show = () => {
    if (!row.isConnected || !heard) return
    const quote = heard
    heard = undefined
    const moved = last && last.price !== quote.price ? Number(quote.price) - Number(last.price) : 0
    for (const cell of cells) {
      const name = cell.dataset.field
      if (last && last[name] === quote[name]) continue
      const text = write[name]?.(quote, places, cell)
      if (text === undefined || cell.textContent === text) continue
      cell.textContent = text
      if (name === "price" && moved) flash(cell, moved > 0)
    }
    for (const cell of cells) {
      if (["change", "change_rate"].includes(cell.dataset.field)) colour(cell, quote[cell.dataset.field])
      if (cell.dataset.follows) colour(cell, quote[cell.dataset.follows])
    }
    last = quote
    row.classList.toggle("is-stale", isStale(quote))
  }
  onQuote(row.dataset.quote, hear)
  comeInto.set(row, show)
  sight.observe(row)
  // Nothing heard at all is no better than an old price.
  return () => { show(); row.classList.toggle("is-stale", last ? isStale(last) : wasStale || Date.now() - began > STALE_AFTER) }
}

// Old is what lies further back in market time than fifteen of our seconds; a market as fast as it can is judged by hearing.
const isStale = (quote) => {
  const speed = marketSpeed(quote.source)
  const now = marketNow(quote.source)
  const age = speed && now ? (now - Date.parse(quote.at)) / speed : Date.now() - quote.heard
  return quote.stale ? Date.now() - quote.heard > 1000 || age > STALE_AFTER : age > STALE_AFTER
}

export const mount = (el) => {
  const rows = [...(el.matches("[data-quote]") ? [el] : []), ...el.querySelectorAll("[data-quote]")]
  const checks = rows.map(watch)
  const timer = setInterval(() => {
    if (el.isConnected) checks.forEach((check) => check())
    else clearInterval(timer)
  }, 2000)
}
