// Mount one small module per [data-module="name"]; its file is name.js beside this one, its words are in data- attributes.
const mounted = new WeakSet()

const mount = async (el) => {
  if (mounted.has(el)) return
  mounted.add(el)
  for (const name of el.dataset.module.split(" ")) (await import(`./${name}.js`)).mount(el)
  el.dataset.isMounted = "" // it hears from here on
}

const mountAll = (root) => {
  if (root.matches?.("[data-module]")) mount(root)
  root.querySelectorAll("[data-module]").forEach(mount)
}

mountAll(document)
document.addEventListener("htmx:load", ({ target }) => mountAll(target)) // what htmx has just put into the page
