// The order book, ten levels a side. Rows stay where they are; only what they say changes.
import { onBook } from "./market.js"
import { price, quantity } from "./figures.js"

export const mount = (el) => {
  const places = Number(el.dataset.decimals)
  const base = Number(el.dataset.base)
  const rows = (side) => [...el.querySelector(`[data-part="${side}"]`).rows]
  const asks = rows("asks").reverse() // best first, as it comes
  const bids = rows("bids")

  const colour = (pick, value) => {
    pick.classList.toggle("rise", base > 0 && value > base)
    pick.classList.toggle("fall", base > 0 && value < base)
  }
  const fill = (row, level, largest) => {
    const pick = row.querySelector(".book__pick")
    pick.disabled = !level
    pick.textContent = level ? price(level[0], places) : ""
    if (level) pick.dataset.pickPrice = level[0]
    else delete pick.dataset.pickPrice
    colour(pick, level ? Number(level[0]) : base)
    row.querySelector('[data-part="quantity"]').textContent = level ? quantity(level[1]) : ""
    row.querySelector("rect").setAttribute("width", `${level ? (Number(level[1]) / largest) * 100 : 0}%`)
  }
  const show = (book) => {
    if (!el.isConnected) return
    const largest = Math.max(1e-12, ...[...book.bids.slice(0, bids.length), ...book.asks.slice(0, asks.length)].map(([, q]) => Number(q)))
    asks.forEach((row, i) => fill(row, book.asks[i], largest))
    bids.forEach((row, i) => fill(row, book.bids[i], largest))
  }
  for (const row of [...asks, ...bids]) {
    const pick = row.querySelector(".book__pick")
    if (pick.dataset.pickPrice) colour(pick, Number(pick.dataset.pickPrice))
  }
  onBook(el.dataset.key, show)
}
