// The market's clock: counts on at the market's own speed between two words from the server.
import { onClock } from "./market.js"

export const mount = (el) => {
  const part = (name) => el.querySelector(`[data-part="${name}"]`)
  const zone = el.dataset.zone
  const date = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" })
  const time = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, timeStyle: "medium" })
  const page = { at: Number(el.dataset.at), speed: Number(el.dataset.speed), heard: Number(el.dataset.heard) }
  let clock = { ...page, live: false }

  const show = () => {
    const elapsed = Date.now() - clock.heard
    const silent = elapsed > 15_000
    const now = new Date(clock.at + (silent ? 0 : elapsed * clock.speed))
    el.classList.toggle("market-clock--silent", silent)
    part("date").textContent = date.format(now)
    part("time").textContent = time.format(now)
  }
  onClock(el.dataset.source, ({ at, speed, heard }) => {
    clock = { at, speed, heard }
    const badge = part("speed")
    if (badge) badge.textContent = `×${speed}`
    el.querySelectorAll("[name=speed]").forEach((b) => b.setAttribute("aria-pressed", String(Number(b.value) === speed)))
  })
  show()
  setInterval(show, 250)
}
