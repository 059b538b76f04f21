// The chart of an instrument: candles from stored bars, the last of which follows the live price, with the indicators chosen last.
import { framed } from "./chart-frame.js"
import { linesOn } from "./chart-lines.js"
import { keepMarks, marksOn } from "./chart-marks.js"
import { tableOf } from "./chart-table.js"
import { onQuote, onState } from "./market.js"

const SECONDS = { "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14_400, "1d": 86_400 }
const REFETCH = 15_000 // at the most this often while a market runs fast
const KEPT = "kairos-chart"

const remembered = () => {
  try { return JSON.parse(localStorage.getItem(KEPT)) ?? {} } catch { return {} }
}
const remember = (choice) => {
  try { localStorage.setItem(KEPT, JSON.stringify({ ...remembered(), ...choice })) } catch { /* a browser that keeps nothing */ }
}

export const mount = async (el) => {
  const part = (name) => el.querySelector(`[data-part="${name}"]`)
  const intervals = [...part("intervals").querySelectorAll("[data-interval]")]
  const indicators = [...part("indicators").querySelectorAll("[data-indicator]")]
  const press = (button, on) => button.setAttribute("aria-pressed", String(on))
  const kept = remembered()

  let { interval } = el.dataset
  if (el.hasAttribute("data-remembers") && intervals.some((button) => button.dataset.interval === kept.interval)) interval = kept.interval
  const chosen = new Set(Array.isArray(kept.indicators) ? kept.indicators : ["volume"])
  const frame = await framed(el, () => interval === "1d")
  const lines = linesOn(el, frame)
  const marks = marksOn(frame)
  const table = tableOf(el)
  let fetched = 0
  let waiting

  const ask = async (url) => {
    const answer = await fetch(url, { headers: { Accept: "application/json" } })
    if (!answer.ok) throw new Error(String(answer.status))
    return answer.json()
  }
  const loadLines = async () => {
    const asked = interval
    const show = indicators.map((button) => button.dataset.indicator).filter((key) => key !== "volume" && chosen.has(key))
    frame.volume.applyOptions({ visible: chosen.has("volume") })
    if (!show.length) return lines.clear()
    const query = new URLSearchParams([["interval", asked], ...show.map((key) => ["show", key])])
    const found = await ask(`${el.dataset.indicators}?${query}`)
    if (asked === interval) lines.draw(found)
  }
  const load = async (fit) => {
    const asked = interval
    fetched = Date.now()
    try {
      const { bars } = await ask(`${el.dataset.url}?interval=${asked}`)
      if (asked !== interval) return
      const forming = frame.bars.at(-1)
      if (!fit && forming?.forming && forming.time > (bars.at(-1)?.time ?? 0)) bars.push(forming)
      frame.setBars(bars)
      marks.draw()
      table.write(bars, interval === "1d")
      part("empty").hidden = bars.length > 0
      part("failed").hidden = true
      if (fit) frame.showNewest()
      await loadLines()
    } catch {
      part("failed").hidden = frame.bars.length > 0
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
    const last = frame.bars.at(-1)
    if (!last || !el.isConnected) return
    const value = Number(quote.price)
    const step = SECONDS[interval]
    const seconds = Date.parse(quote.at) / 1000
    if (seconds < last.time) return
    if (seconds >= last.time + step) {
      const time = last.time + Math.floor((seconds - last.time) / step) * step
      frame.bars.push({ time, open: value, high: value, low: value, close: value, volume: 0, forming: true })
      loadSoon()
    } else {
      Object.assign(last, { high: Math.max(last.high, value), low: Math.min(last.low, value), close: value })
    }
    const { time, open, high, low, close } = frame.bars.at(-1)
    frame.candles.update({ time, open, high, low, close })
  }

  const showInterval = () => intervals.forEach((button) => press(button, button.dataset.interval === interval))
  intervals.forEach((button) => button.addEventListener("click", () => {
    interval = button.dataset.interval
    if (el.hasAttribute("data-remembers")) remember({ interval })
    showInterval()
    frame.bars = []
    load(true)
  }))
  indicators.forEach((button) => {
    const key = button.dataset.indicator
    press(button, chosen.has(key))
    button.addEventListener("click", () => {
      if (!chosen.delete(key)) chosen.add(key)
      press(button, chosen.has(key))
      remember({ indicators: [...chosen] })
      loadLines().catch(loadSoon)
    })
  })
  showInterval()
  await load(true)
  if (el.dataset.marks) keepMarks(el.dataset.marks, marks)
  onQuote(el.dataset.key, follow)
  let wasLost = false
  onState((connected) => { if (connected && wasLost) load(false); wasLost = !connected })
}
