// Numbers as the templates write them (markets/templatetags/figures.py), for the page's language.
const language = document.documentElement.lang
const MINUS = "−"
const UNITS = language === "ko" ? [["조", 1e12], ["억", 1e8], ["만", 1e4]] : [["B", 1e9], ["M", 1e6], ["K", 1e3]]
const formats = new Map()

const format = (value, least, most) => {
  const name = `${least} ${most}`
  if (!formats.has(name)) formats.set(name, new Intl.NumberFormat("en", { minimumFractionDigits: least, maximumFractionDigits: most }))
  return formats.get(name).format(value).replace("-", MINUS)
}

export const price = (text, places) => (text == null ? "–" : format(text, places, places))
export const quantity = (text) => (text == null ? "" : format(text, 0, 8))
export const signed = (value, text) => (Number(value) > 0 ? `+${text}` : text)
export const signedRate = (text) => {
  const shown = format(Number(text) * 100, 2, 2)
  const isZero = !/[1-9]/.test(shown)
  return `${isZero ? shown.replace(MINUS, "") : signed(text, shown)}%`
}
export const direction = (text) => (Number(text) > 0 ? "rise" : Number(text) < 0 ? "fall" : "flat")
export const compact = (text) => {
  if (text == null) return "–"
  const unit = UNITS.find(([, size]) => Math.abs(Number(text)) >= size)
  if (unit) return `${format(Number(text) / unit[1], 1, 1)}${unit[0]}`
  return format(text, 0, Math.abs(Number(text)) < 1000 ? 8 : 0)
}
