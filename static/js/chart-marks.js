// Marks on a chart: what a plan bought, sold and decided. The words come with the marks; [data-marks] says from where.
const SHAPES = {
  buy: { shape: "arrowUp", position: "belowBar", colour: "color-rise" },
  sell: { shape: "arrowDown", position: "aboveBar", colour: "color-fall" },
  decision: { shape: "circle", position: "aboveBar", colour: "text-muted", quiet: true },
  blocked: { shape: "square", position: "aboveBar", colour: "color-bad" },
}
const PAUSE = 2000 // a plan changes on many bars at once when the market runs fast

// The bar an instant lies in; marks before the first bar are not on this chart.
const placed = (marks, bars) => {
  const found = []
  let at = -1
  for (const mark of marks) {
    while (at + 1 < bars.length && bars[at + 1].time <= mark.time) at += 1
    if (at >= 0) found.push({ ...mark, time: bars[at].time })
  }
  return found
}

// `source` gives what the chart stands on now: its bars and its colours.
export const marksOn = (el, plugin, source) => {
  let marks = []
  let due
  const draw = () => {
    const { bars, palette } = source()
    plugin.setMarkers(placed(marks, bars).map(({ time, kind, text }) => {
      const { shape, position, colour, quiet } = SHAPES[kind]
      return { time, shape, position, color: palette[colour], text: quiet ? "" : text, size: quiet ? .5 : 1 }
    }))
  }
  const load = async () => {
    due = undefined
    const answer = await fetch(el.dataset.marks, { headers: { Accept: "application/json" } }).catch(() => undefined)
    if (!answer?.ok) return // the next change of the plan, or the next visit, asks again
    marks = (await answer.json()).marks
    draw()
  }
  document.body.addEventListener("plan-changed", () => { due ??= setTimeout(load, PAUSE) })
  load()
  return { draw }
}
