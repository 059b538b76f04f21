// Indicators on a chart: lines over its candles, and below them a pane for each that has a scale of its own. A legend says what is what.
import { LINES } from "./chart-frame.js"
import { price } from "./figures.js"

const PANES = 4 // classes chart--panes-1 … 4 make room for so many

const written = (value) => {
  if (value == null) return "–"
  const size = Math.abs(value)
  return price(value, size >= 1000 ? 0 : size >= 1 ? 2 : 4)
}

const entry = (name, colour) => {
  const [item, key, value] = ["li", "span", "strong"].map((tag) => document.createElement(tag))
  key.className = `line-key line-key--${colour}`
  value.className = "figure"
  item.append(key, `${name} `, value)
  return { item, write: (number) => { value.textContent = written(number) } }
}

// `names` gives the ids of lines (data.lines) that belong together on one pane.
export const linesOn = (el, frame) => {
  const { chart, library } = frame
  const legend = el.querySelector('[data-part="legend"]')
  const room = el.querySelector(".chart")
  let drawn = []

  const colour = (number) => LINES[number % LINES.length]
  const clear = () => {
    drawn.forEach(({ series }) => chart.removeSeries(series))
    for (let pane = chart.panes().length - 1; pane > 0; pane -= 1) chart.removePane(pane)
    legend.replaceChildren()
    drawn = []
  }
  const points = (times, line, paint) => times.map((time, place) => {
    const value = line.values[place]
    if (value == null) return { time }
    return line.shape === "histogram" ? { time, value, color: paint(value) } : { time, value }
  })
  const add = (line, number, pane) => {
    const isBars = line.shape === "histogram"
    const own = { type: "custom", minMove: 1e-8, formatter: written }
    const series = chart.addSeries(isBars ? library.HistogramSeries : library.LineSeries, {
      color: frame.palette[colour(number)],
      lineWidth: number < LINES.length ? 2 : 1,
      lastValueVisible: !line.over,
      priceLineVisible: false,
      crosshairMarkerVisible: false,
      priceFormat: line.over ? frame.exact : own,
    }, pane)
    const told = entry(line.name, isBars ? "bars" : colour(number))
    legend.append(told.item)
    return { line, series, number, told }
  }
  const draw = ({ times, lines }) => {
    clear()
    const panes = new Map()
    for (const line of lines) if (!line.over && !panes.has(line.indicator) && panes.size < PANES) panes.set(line.indicator, panes.size + 1)
    const shown = lines.filter((line) => line.over || panes.has(line.indicator))
    const over = [...new Set(shown.filter((line) => line.over).map((line) => line.indicator))] // a band's three lines are one thing
    const own = (line) => shown.filter((other) => other.indicator === line.indicator).indexOf(line)
    drawn = shown.map((line) => add(line, line.over ? over.indexOf(line.indicator) : own(line), line.over ? 0 : panes.get(line.indicator)))
    const [first, ...others] = chart.panes()
    first.setStretchFactor(3)
    others.forEach((pane) => pane.setStretchFactor(1))
    for (let count = 1; count <= PANES; count += 1) room.classList.toggle(`chart--panes-${count}`, count === panes.size)
    fill(times)
    tell()
  }
  const fill = (times) => {
    const paint = (value) => frame.palette[value >= 0 ? "color-rise-bar" : "color-fall-bar"]
    drawn.forEach(({ line, series }) => series.setData(points(times, line, paint)))
    drawn.times = times
  }
  const tell = (data) => drawn.forEach(({ line, series, told }) => told.write(data ? data.get(series)?.value : line.values.findLast((value) => value != null)))

  chart.subscribeCrosshairMove(({ time, seriesData }) => tell(time == null ? undefined : seriesData))
  frame.repaints.push(() => {
    drawn.forEach(({ line, series, number }) => { if (line.shape !== "histogram") series.applyOptions({ color: frame.palette[colour(number)] }) })
    if (drawn.length) fill(drawn.times)
  })
  return { draw, clear: () => draw({ times: [], lines: [] }) }
}
