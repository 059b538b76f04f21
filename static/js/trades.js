// The last trades, newest first. Lines stay where they are; only what they say changes.
import { onTrades } from "./market.js"
import { price, quantity } from "./figures.js"

export const mount = (el) => {
  const lines = [...el.querySelectorAll("tbody tr")].map((row) => [...row.cells])
  const places = Number(el.dataset.decimals)
  const base = Number(el.dataset.base)
  const time = new Intl.DateTimeFormat("sv-SE", { timeZone: el.dataset.zone, timeStyle: "medium" })
  const write = (cell, text) => { if (cell.textContent !== text) cell.textContent = text }

  onTrades(el.dataset.key, (trades) => {
    lines.forEach(([at, worth, amount], i) => {
      const trade = trades[i]
      write(at, trade ? time.format(new Date(trade.at)) : "")
      write(worth, trade ? price(trade.price, places) : "")
      write(amount, trade ? quantity(trade.quantity) : "")
      worth.classList.toggle("rise", Boolean(trade) && base > 0 && Number(trade.price) > base)
      worth.classList.toggle("fall", Boolean(trade) && base > 0 && Number(trade.price) < base)
    })
  })
}
