// The newest bars of a chart as a table: what it shows, for those who do not see it. The server has written the first one.
import { timesIn } from "./chart-frame.js"
import { compact, price } from "./figures.js"

const SHOWN = 10

export const tableOf = (el) => {
  const body = el.querySelector('[data-part="bars"]')
  const places = Number(el.dataset.decimals)
  const { day, clock } = timesIn(el.dataset.zone)
  const cell = (tag, text, label) => {
    const made = document.createElement(tag)
    made.textContent = text
    if (tag === "th") { made.scope = "row"; made.className = "nowrap" }
    else { made.className = "number"; made.dataset.label = label }
    return made
  }
  const labels = [...el.querySelectorAll('[data-part="bars-head"] th')].slice(1).map((head) => head.textContent)
  const write = (bars, isDaily) => {
    if (!body) return
    body.replaceChildren(...bars.slice(-SHOWN).reverse().map((bar) => {
      const row = document.createElement("tr")
      const figures = [...["open", "high", "low", "close"].map((name) => price(bar[name], places)), compact(bar.volume)]
      row.append(cell("th", isDaily ? day(bar.time) : `${day(bar.time)} ${clock(bar.time)}`), ...figures.map((text, place) => cell("td", text, labels[place])))
      return row
    }))
  }
  return { write }
}
