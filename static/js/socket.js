// One WebSocket that comes back: back-off with jitter, and a silence longer than three heartbeats counts as lost.
const SILENCE = 45_000
const LONGEST_WAIT = 30_000

export const connect = (path, { onOpen, onMessage, onLost }) => {
  let socket, silence, again
  let failures = 0

  const open = () => {
    clearTimeout(again)
    if (socket && socket.readyState <= WebSocket.OPEN) return
    const mine = socket = new WebSocket(path)
    mine.onopen = () => { if (mine !== socket) return mine.close(); failures = 0; heard(); onOpen?.() }
    mine.onmessage = ({ data }) => { heard(); onMessage(JSON.parse(data)) }
    mine.onclose = ({ code }) => { if (mine === socket) lost(code) }
  }
  const heard = () => {
    clearTimeout(silence)
    silence = setTimeout(() => { const dead = socket; socket = undefined; dead.close(); lost(0) }, SILENCE)
  }
  const lost = (code) => {
    clearTimeout(silence)
    onLost?.(code)
    if (code === 4003) return // signed out: coming back would not help
    const wait = Math.min(LONGEST_WAIT, 500 * 2 ** failures++)
    again = setTimeout(open, wait / 2 + Math.random() * wait / 2)
  }
  addEventListener("online", open)
  document.addEventListener("visibilitychange", () => { if (!document.hidden) open() })
  addEventListener("pagehide", () => { clearTimeout(again); clearTimeout(silence); const old = socket; socket = undefined; if (old?.readyState === WebSocket.OPEN) old.close() }) // one still connecting closes itself when open
  addEventListener("pageshow", ({ persisted }) => { if (persisted) open() })
  open()
  return { send: (message) => { if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message)) } }
}
