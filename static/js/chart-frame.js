// A chart of candles and volume in the page's own colours, moved by mouse, finger and keyboard. What lies on it is added elsewhere.
import { price } from "./figures.js"

const LIBRARY = "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs"
export const LINES = ["accent", "color-virtual-edge", "color-paper", "color-bad", "color-good", "text-muted"] // one after the other
const NAMES = [...LINES, "text", "border", "surface-raised", "color-rise", "color-fall", "color-rise-bar", "color-fall-bar"]

const colours = (el) => {
  const probe = document.createElement("span")
  el.append(probe)
  const read = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color }
  const named = Object.fromEntries(NAMES.map((name) => [name, read(name)]))
  probe.remove()
  return { ...named, font: getComputedStyle(el).fontFamily }
}

export const timesIn = (zone) => {
  const formatted = (options) => { const f = new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: zone, ...options }); return (s) => f.format(new Date(s * 1000)) }
  return {
    day: formatted({ year: "numeric", month: "numeric", day: "numeric" }),
    monthDay: formatted({ month: "numeric", day: "numeric" }),
    month: formatted({ year: "numeric", month: "short" }),
    clock: formatted({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
  }
}

const moveByKeys = (canvas, chart) => {
  const scale = chart.timeScale()
  const move = (from, to) => { const range = scale.getVisibleLogicalRange(); if (range) scale.setVisibleLogicalRange({ from: range.from + (range.to - range.from) * from, to: range.to + (range.to - range.from) * to }) }
  const keys = {
    ArrowLeft: () => move(-.2, -.2),
    ArrowRight: () => move(.2, .2),
    "+": () => move(.15, 0),
    "=": () => move(.15, 0),
    "-": () => move(-.2, 0),
    Home: () => scale.fitContent(),
    End: () => scale.scrollToRealTime(),
  }
  canvas.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    keys[event.key]()
  })
}

// As wide as the prices will be before they have come: nothing moves when they do.
const axisWidth = (text = "") => 28 + 6 * text.length

// `el` holds [data-part="canvas"] and says decimals and zone; `isDaily` whether its bars are days now.
export const framed = async (el, isDaily) => {
  const library = await import(LIBRARY)
  const { CandlestickSeries, ColorType, CrosshairMode, HistogramSeries, TickMarkType, createChart } = library
  const canvas = el.querySelector('[data-part="canvas"]')
  const places = () => Number(el.dataset.decimals)
  const { day, monthDay, month, clock } = timesIn(el.dataset.zone)
  const ticks = { [TickMarkType.Year]: month, [TickMarkType.Month]: month, [TickMarkType.DayOfMonth]: monthDay }
  const chart = createChart(canvas, {
    autoSize: true,
    layout: { attributionLogo: false, panes: { enableResize: true } },
    localization: { timeFormatter: (s) => (isDaily() ? day(s) : `${day(s)} ${clock(s)}`) },
    timeScale: { timeVisible: true, rightOffset: 4, minBarSpacing: .5, tickMarkFormatter: (s, type) => (ticks[type] ?? clock)(s) },
    rightPriceScale: { scaleMargins: { top: .08, bottom: .24 }, minimumWidth: axisWidth(el.dataset.widest) },
    crosshair: { mode: CrosshairMode.Normal },
    handleScroll: { vertTouchDrag: false },
  })
  const exact = { type: "custom", minMove: 10 ** -Math.max(2, places()), formatter: (value) => price(value, places()) }
  const candles = chart.addSeries(CandlestickSeries, { priceFormat: exact, borderVisible: false })
  const volume = chart.addSeries(HistogramSeries, { priceFormat: { type: "volume" }, priceScaleId: "", lastValueVisible: false, priceLineVisible: false })
  volume.priceScale().applyOptions({ scaleMargins: { top: .82, bottom: 0 } })
  moveByKeys(canvas, chart)

  const frame = { library, chart, candles, volume, exact, bars: [], palette: colours(el), repaints: [] }
  const paint = () => {
    frame.palette = colours(el)
    const { palette } = frame
    const [rise, fall] = [palette["color-rise"], palette["color-fall"]]
    chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: palette["surface-raised"] }, textColor: palette["text-muted"], fontFamily: palette.font, fontSize: 12, panes: { separatorColor: palette.border, separatorHoverColor: palette.border } },
      grid: { vertLines: { visible: false }, horzLines: { color: palette.border } },
      rightPriceScale: { borderVisible: false },
      timeScale: { borderColor: palette.border },
    })
    candles.applyOptions({ upColor: rise, wickUpColor: rise, downColor: fall, wickDownColor: fall })
    frame.drawVolume()
    frame.repaints.forEach((repaint) => repaint())
  }
  const tint = (bar) => frame.palette[bar.close >= bar.open ? "color-rise-bar" : "color-fall-bar"]
  frame.drawVolume = () => volume.setData(frame.bars.map((bar) => ({ time: bar.time, value: bar.volume, color: tint(bar) })))
  frame.setBars = (bars) => {
    frame.bars = bars
    candles.setData(bars)
    frame.drawVolume()
  }
  frame.showNewest = () => {
    const count = frame.bars.length
    const shown = Math.min(count, Math.max(30, Math.round(el.clientWidth / 9)))
    chart.timeScale().setVisibleLogicalRange({ from: count - shown, to: count + 3 })
  }
  paint()
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint)
  return frame
}
