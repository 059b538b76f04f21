// A rule drawn on stored bars: candles, its indicators, an arrow on every bar on which it held. Of a strategy, or of the form around it.
import { framed } from "./chart-frame.js"
import { linesOn } from "./chart-lines.js"
import { marksOn } from "./chart-marks.js"

// Nothing is fetched for a chart that nobody looks at: inside a closed part of the page, or far below.
const inSight = (el) => new Promise((go) => {
  const watch = new IntersectionObserver((seen) => { if (seen.some(({ isIntersecting }) => isIntersecting)) { watch.disconnect(); go() } }, { rootMargin: "300px" })
  watch.observe(el)
})

export const mount = async (el) => {
  await inSight(el)
  const note = (shown) => ["empty", "waits", "failed"].forEach((name) => { el.querySelector(`[data-part="${name}"]`).hidden = name !== shown })
  let isDaily = true
  const frame = await framed(el, () => isDaily)
  const lines = linesOn(el, frame)
  const marks = marksOn(frame)
  let asked = 0

  const ask = () => {
    const form = el.hasAttribute("data-of-form") ? document.getElementById("builder") : el.closest("form")
    if (el.hasAttribute("data-of-form")) return fetch(el.dataset.url, { method: "POST", body: new FormData(form) })
    const query = form ? new URLSearchParams([...new FormData(form)].filter(([name]) => name.startsWith("preview."))) : ""
    return fetch(`${el.dataset.url}&${query}`)
  }
  const isWaiting = () => el.hasAttribute("data-of-form") && !document.querySelector("#builder-side[data-is-whole]")
  const draw = async () => {
    const turn = asked += 1
    if (isWaiting()) return note(frame.bars.length ? "" : "waits") // the last whole rule stays in sight
    try {
      const answer = await ask()
      if (turn !== asked) return
      if (!answer.ok) throw new Error(String(answer.status))
      const found = await answer.json()
      if (turn !== asked) return
      el.dataset.decimals = found.decimals
      isDaily = found.interval === "1d"
      frame.setBars(found.bars)
      lines.draw(found)
      marks.show(found)
      frame.chart.timeScale().fitContent()
      note(found.bars.length ? "" : "empty")
    } catch {
      note("failed")
    }
  }
  if (el.hasAttribute("data-of-form")) document.body.addEventListener("rule-changed", draw)
  else el.closest("form")?.addEventListener("change", draw)
  await draw()
}
