// The order ticket: a click on a price of the book fills it in, and a share of what is free becomes a quantity.
// Only a help with typing: the form works without it, and the server reads what stands in the fields.
export const mount = (el) => {
  const field = (name) => el.querySelector(`[name=${name}]`)
  const chosen = (name) => el.querySelector(`[name=${name}]:checked`)?.value
  const put = (input, text) => {
    if (!input) return
    input.value = text
    input.dispatchEvent(new Event("input", { bubbles: true }))
  }
  const room = () => {
    const account = field("broker_account")?.value
    return el.querySelector(`[data-account="${account}"]`)?.dataset
  }
  const typed = (name) => Number(field(name).value.replaceAll(",", ""))
  const dearest = () => {
    if (chosen("order_type") === "limit") return typed("limit_price")
    return (chosen("order_type") === "stop" ? typed("stop_price") : Number(el.dataset.price)) * 1.05
  }
  const quantityFor = (share) => {
    const free = room()
    const lot = Number(el.dataset.lot)
    if (!free || !lot) return ""
    const price = dearest()
    const most = chosen("side") === "sell" ? Number(free.quantity) : price > 0 ? Number(free.cash) / (price * 1.001) : 0
    const lots = Math.floor((most * share) / lot + 1e-9)
    const places = (el.dataset.lot.split(".")[1] ?? "").length
    return lots > 0 ? (lots * lot).toFixed(places) : ""
  }

  // An amount of money becomes as many whole lots as it buys at the price of the ticket, before fees.
  const quantityOf = (amount) => {
    const lot = Number(el.dataset.lot)
    const worth = chosen("order_type") === "limit" ? typed("limit_price") : chosen("order_type") === "stop" ? typed("stop_price") : Number(el.dataset.price)
    const lots = lot > 0 && worth > 0 ? Math.floor(amount / (worth * lot) + 1e-9) : 0
    const places = (el.dataset.lot.split(".")[1] ?? "").length
    return lots > 0 ? (lots * lot).toFixed(places) : ""
  }
  const amount = el.querySelector("[data-amount]")
  if (amount) {
    amount.addEventListener("input", () => put(field("quantity"), quantityOf(Number(amount.value.replaceAll(",", "")))))
  }

  // Whose money the order would move stands in the ticket and above the page: both follow the account that is chosen.
  const showEnvironment = () => {
    const { environment, environmentName } = room() ?? {}
    const badge = el.querySelector("[data-ticket-badge] .badge")
    const strip = el.querySelector(`template[data-strip="${environment}"]`)
    if (!badge || !strip) return
    badge.className = `badge badge--${environment}`
    badge.textContent = environmentName
    document.querySelector("body > .environment")?.replaceWith(strip.content.cloneNode(true))
  }
  // Only what the chosen account's broker takes can be chosen, and each division brings its kind of order along.
  const division = field("division")
  const divided = el.querySelector('[data-part="division"]')
  const types = Object.fromEntries((divided?.dataset.types ?? "").split(" ").map((pair) => pair.split(":")))
  const showDivisions = () => {
    if (!division) return
    const offered = (room()?.divisions ?? "plain").split(" ")
    for (const option of division.options) option.hidden = option.disabled = !offered.includes(option.value)
    if (division.selectedOptions[0]?.disabled) division.value = "plain"
    divided.hidden = offered.length < 2
  }
  division?.addEventListener("change", () => {
    const radio = el.querySelector(`[name=order_type][value=${types[division.value]}]`)
    if (radio) radio.checked = true
  })
  field("broker_account")?.addEventListener("change", showDivisions)
  showDivisions()
  field("broker_account")?.addEventListener("change", showEnvironment)
  showEnvironment()

  el.querySelectorAll("[data-share]").forEach((button) => {
    button.addEventListener("click", () => put(field("quantity"), quantityFor(Number(button.dataset.share))))
  })
  el.querySelectorAll(".is-waiting").forEach((part) => part.classList.remove("is-waiting")) // its place was kept
  document.addEventListener("click", ({ target }) => {
    const price = el.isConnected && target.closest?.("[data-pick-price]")?.dataset.pickPrice
    if (!price) return
    if (chosen("order_type") === "stop") return put(field("stop_price"), price)
    const limit = el.querySelector("[name=order_type][value=limit]")
    if (limit) limit.checked = true
    put(field("limit_price"), price)
  })
}
