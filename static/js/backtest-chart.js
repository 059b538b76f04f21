// A finished backtest: candles with a marker for each fill, below them equity beside holding, and the drawdown.
import { price } from "./figures.js"

const LIBRARY = "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs"
const NAMES = ["text-muted", "border", "surface-raised", "color-rise", "color-fall", "accent", "color-bad", "color-bad-soft"]

const colours = (el) => {
  const probe = document.createElement("span")
  el.append(probe)
  const read = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color }
  const named = Object.fromEntries(NAMES.map((name) => [name, read(name)]))
  probe.remove()
  return { ...named, font: getComputedStyle(el).fontFamily }
}

export const mount = async (el) => {
  const part = (name) => el.querySelector(`[data-part="${name}"]`)
  const words = el.dataset
  const places = Number(words.decimals)
  const written = (options) => { const f = new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: words.zone, ...options }); return (s) => f.format(new Date(s * 1000)) }
  const day = written({ year: "numeric", month: "numeric", day: "numeric" })
  const month = written({ year: "numeric", month: "short" })
  const monthDay = written({ month: "numeric", day: "numeric" })
  const clock = written({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" })

  let data
  try {
    const answer = await fetch(words.url, { headers: { Accept: "application/json" } })
    if (!answer.ok) throw new Error(String(answer.status))
    data = await answer.json()
  } catch {
    part("failed").hidden = false
    return
  }
  const { AreaSeries, CandlestickSeries, ColorType, CrosshairMode, LineSeries, LineStyle, PriceScaleMode, TickMarkType, createChart, createSeriesMarkers } = await import(LIBRARY)
  const ticks = { [TickMarkType.Year]: month, [TickMarkType.Month]: month, [TickMarkType.DayOfMonth]: monthDay }
  const chart = createChart(part("canvas"), {
    autoSize: true,
    layout: { attributionLogo: false, panes: { enableResize: true } },
    localization: { timeFormatter: (s) => (words.interval === "1d" ? day(s) : `${day(s)} ${clock(s)}`) },
    timeScale: { timeVisible: words.interval !== "1d", minBarSpacing: .1, tickMarkFormatter: (s, type) => (ticks[type] ?? clock)(s) },
    crosshair: { mode: CrosshairMode.Normal },
    handleScroll: { vertTouchDrag: false },
  })
  const exact = { type: "custom", minMove: 10 ** -places, formatter: (value) => price(value, places) }
  const round = { type: "custom", minMove: 1, formatter: (value) => price(Math.round(value), 0) }
  const percent = { type: "custom", minMove: .0001, formatter: (value) => `${(value * 100).toFixed(1).replace("-", "−")}%` }
  const candles = chart.addSeries(CandlestickSeries, { priceFormat: exact, borderVisible: false })
  const equity = chart.addSeries(LineSeries, { priceFormat: round, lineWidth: 2, title: words.equity, priceLineVisible: false }, 1)
  const hold = chart.addSeries(LineSeries, { priceFormat: round, lineWidth: 1, lineStyle: LineStyle.Dashed, title: words.hold, priceLineVisible: false }, 1)
  const drawdown = chart.addSeries(AreaSeries, { priceFormat: percent, lineWidth: 1, invertFilledArea: true, title: words.drawdown, priceLineVisible: false }, 2)
  candles.setData(data.candles)
  equity.setData(data.equity)
  hold.setData(data.hold)
  drawdown.setData(data.drawdown)
  equity.priceScale().applyOptions({ mode: PriceScaleMode.Logarithmic }) // beside a stock held for decades ours would be a flat line
  const [, middle, lowest] = chart.panes()
  middle.setStretchFactor(.55)
  lowest.setStretchFactor(.3)

  const isCrowded = data.markers.length > 60
  const size = isCrowded ? .5 : 1
  const marker = (palette) => ({ time, side, signal }) => (side === "buy"
    ? { time, position: "belowBar", shape: "arrowUp", size, color: palette["color-rise"], text: isCrowded ? "" : signal === 2 ? words.second : words.first }
    : { time, position: "aboveBar", shape: "arrowDown", size, color: palette["color-fall"], text: isCrowded ? "" : words.sell })
  const markers = createSeriesMarkers(candles, [])
  const paint = () => {
    const palette = colours(el)
    const [rise, fall] = [palette["color-rise"], palette["color-fall"]]
    chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: palette["surface-raised"] }, textColor: palette["text-muted"], fontFamily: palette.font, fontSize: 12, panes: { separatorColor: palette.border, separatorHoverColor: palette.border } },
      grid: { vertLines: { visible: false }, horzLines: { color: palette.border } },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: .08, bottom: .06 } },
      timeScale: { borderColor: palette.border },
    })
    candles.applyOptions({ upColor: rise, wickUpColor: rise, downColor: fall, wickDownColor: fall })
    equity.applyOptions({ color: palette.accent })
    hold.applyOptions({ color: palette["text-muted"] })
    drawdown.applyOptions({ lineColor: palette["color-bad"], topColor: palette["color-bad-soft"], bottomColor: palette["color-bad-soft"] })
    markers.setMarkers(data.markers.map(marker(palette)))
  }
  paint()
  chart.timeScale().fitContent()
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint)
}
