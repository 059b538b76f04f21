// Candles and volume from stored bars; the last candle follows the live price until the next bar is stored.
import { marksOn } from "./chart-marks.js"
import { price } from "./figures.js"
import { onQuote, onState } from "./market.js"

const SECONDS = { "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14_400, "1d": 86_400 }
const REFETCH = 15_000 // at the most this often while a market runs fast
const LIBRARY = "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs"

const colours = (el) => {
  const style = getComputedStyle(el)
  const probe = document.createElement("span")
  el.append(probe)
  const read = (name) => { probe.style.color = `var(${name})`; return getComputedStyle(probe).color }
  const named = Object.fromEntries(["text-muted", "border", "surface-raised", "color-rise", "color-fall", "color-rise-bar", "color-fall-bar", "color-bad"].map((n) => [n, read(`--${n}`)]))
  probe.remove()
  return { ...named, font: style.fontFamily }
}

export const mount = async (el) => {
  const part = (name) => el.querySelector(`[data-part="${name}"]`)
  const buttons = [...part("intervals").querySelectorAll("[data-interval]")]
  const places = Number(el.dataset.decimals)
  const zone = el.dataset.zone
  const formatTime = (options) => { const f = new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: zone, ...options }); return (s) => f.format(new Date(s * 1000)) }
  const day = formatTime({ year: "numeric", month: "numeric", day: "numeric" })
  const monthDay = formatTime({ month: "numeric", day: "numeric" })
  const month = formatTime({ year: "numeric", month: "short" })
  const clock = formatTime({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" })

  const { CandlestickSeries, ColorType, CrosshairMode, HistogramSeries, TickMarkType, createChart, createSeriesMarkers } = await import(LIBRARY)
  const ticks = { [TickMarkType.Year]: month, [TickMarkType.Month]: month, [TickMarkType.DayOfMonth]: monthDay }
  const chart = createChart(part("canvas"), {
    autoSize: true,
    layout: { attributionLogo: false },
    localization: { priceFormatter: (value) => price(value, places), timeFormatter: (s) => (interval === "1d" ? day(s) : `${day(s)} ${clock(s)}`) },
    timeScale: { timeVisible: true, rightOffset: 4, minBarSpacing: 2, tickMarkFormatter: (s, type) => (ticks[type] ?? clock)(s) },
    rightPriceScale: { scaleMargins: { top: .08, bottom: .24 } },
    crosshair: { mode: CrosshairMode.Normal },
    handleScroll: { vertTouchDrag: false },
  })
  const candles = chart.addSeries(CandlestickSeries, { priceFormat: { type: "price", precision: places, minMove: 10 ** -places }, borderVisible: false })
  const volume = chart.addSeries(HistogramSeries, { priceFormat: { type: "volume" }, priceScaleId: "", lastValueVisible: false, priceLineVisible: false })
  volume.priceScale().applyOptions({ scaleMargins: { top: .82, bottom: 0 } })

  let interval = el.dataset.interval
  let bars = []
  let palette
  let fetched = 0
  let waiting
  let marks // only on a chart that says where its marks are

  const tint = (bar) => (bar.close >= bar.open ? palette["color-rise-bar"] : palette["color-fall-bar"])
  const paint = () => {
    palette = colours(el)
    const [rise, fall] = [palette["color-rise"], palette["color-fall"]]
    chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: palette["surface-raised"] }, textColor: palette["text-muted"], fontFamily: palette.font, fontSize: 12 },
      grid: { vertLines: { visible: false }, horzLines: { color: palette.border } },
      rightPriceScale: { borderVisible: false },
      timeScale: { borderColor: palette.border },
    })
    candles.applyOptions({ upColor: rise, wickUpColor: rise, downColor: fall, wickDownColor: fall })
    volume.setData(bars.map((bar) => ({ time: bar.time, value: bar.volume, color: tint(bar) })))
    marks?.draw()
  }
  const load = async (fit) => {
    const asked = interval
    fetched = Date.now()
    try {
      const answer = await fetch(`${el.dataset.url}?interval=${asked}`, { headers: { Accept: "application/json" } })
      if (!answer.ok) throw new Error(String(answer.status))
      const body = await answer.json()
      if (asked !== interval) return
      const forming = bars.at(-1)
      bars = body.bars
      if (!fit && forming?.forming && forming.time > (bars.at(-1)?.time ?? 0)) bars.push(forming)
      candles.setData(bars)
      volume.setData(bars.map((bar) => ({ time: bar.time, value: bar.volume, color: tint(bar) })))
      marks?.draw()
      part("empty").hidden = bars.length > 0
      part("failed").hidden = true
      if (fit) {
        const shown = Math.min(bars.length, Math.max(30, Math.round(el.clientWidth / 9)))
        chart.timeScale().setVisibleLogicalRange({ from: bars.length - shown, to: bars.length + 3 })
      }
    } catch {
      part("failed").hidden = bars.length > 0
      clearTimeout(waiting)
      waiting = setTimeout(() => load(fit), 5000)
    }
  }
  const loadSoon = () => {
    clearTimeout(waiting)
    waiting = setTimeout(() => load(false), Math.max(500, fetched + REFETCH - Date.now()))
  }
  // A price inside the last bar's interval moves its candle; one after it begins a new candle, and the stored bar is fetched.
  const follow = (quote) => {
    const last = bars.at(-1)
    if (!last || !el.isConnected) return
    const value = Number(quote.price)
    const step = SECONDS[interval]
    const seconds = Date.parse(quote.at) / 1000
    if (seconds < last.time) return
    if (seconds >= last.time + step) {
      const time = last.time + Math.floor((seconds - last.time) / step) * step
      bars.push({ time, open: value, high: value, low: value, close: value, volume: 0, forming: true })
      loadSoon()
    } else {
      Object.assign(last, { high: Math.max(last.high, value), low: Math.min(last.low, value), close: value })
    }
    const { time, open, high, low, close } = bars.at(-1)
    candles.update({ time, open, high, low, close })
  }

  paint()
  buttons.forEach((button) => button.addEventListener("click", () => {
    interval = button.dataset.interval
    buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)))
    bars = []
    load(true)
  }))
  part("intervals").hidden = false
  await load(true)
  if (el.dataset.marks) marks = marksOn(el, createSeriesMarkers(candles), () => ({ bars, palette }))
  onQuote(el.dataset.key, follow)
  let wasLost = false
  onState((connected) => { if (connected && wasLost) load(false); wasLost = !connected })
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint)
}
