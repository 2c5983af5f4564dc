// @ts-check
// Makes and changes elements of the page. Owns that every text from the store becomes a text node and never HTML, and how
// characters are shown that a reader cannot see, or that change the order of a text.

/**
 * Controls, separators of lines and paragraphs, characters that change the order in which text is shown, and those that have
 * no shape, such as U+200B: with one of them two names look like one.
 */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u
const parts = /([\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}])/u

/**
 * The element with this id. Throws if the page has none.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no #${id}`)
  return found
}

/**
 * A new element with a class and children.
 * @param {string} tag
 * @param {string} [className]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function make(tag, className = '', ...children) {
  const element = document.createElement(tag)
  if (className) element.className = className
  element.append(...children)
  return element
}

/**
 * Shows a text of our own, such as a number. Changes nothing if the element has that text.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/** @type {WeakMap<Element, string>} */
const foreign = new WeakMap()

/**
 * Shows a foreign text: characters that cannot be seen become a boxed code such as U+202E.
 * @param {Element} element
 * @param {string} text
 */
export function setForeign(element, text) {
  if (foreign.get(element) === text) return
  foreign.set(element, text)
  element.replaceChildren(...text.split(parts).map((part) => (unsafe.test(part) ? boxed(part) : part)))
}

/** @param {string} character */
function boxed(character) {
  const box = make('span', 'escape')
  box.textContent = codeOf(character)
  return box
}

/** @param {string} character */
function codeOf(character) {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

/**
 * A foreign text for an attribute, where no box can be.
 * @param {string} text
 */
export function plain(text) {
  return text
    .split(parts)
    .map((part) => (unsafe.test(part) ? codeOf(part) : part))
    .join('')
}

/**
 * A new element for a foreign text. `bdi` keeps the direction of its letters to itself.
 * @param {string} className
 * @param {string} text
 */
export function foreignText(className, text) {
  const element = make('bdi', className)
  setForeign(element, text)
  return element
}

/** @type {WeakMap<Element, Map<string, HTMLElement>>} */
const lists = new WeakMap()

/**
 * Makes the children of an element match a list: keeps those whose keys stay, so that focus and open details survive. Items
 * with equal keys, such as two waiters that left in one moment, have a child each.
 * @template T
 * @param {Element} parent
 * @param {readonly T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => HTMLElement} create
 * @param {(element: HTMLElement, item: T, index: number) => void} update
 */
export function match(parent, items, keyOf, create, update) {
  const before = lists.get(parent) ?? new Map()
  const now = new Map()
  let place = parent.firstElementChild
  items.forEach((item, index) => {
    const key = freeKey(now, keyOf(item))
    const element = before.get(key) ?? create(item)
    before.delete(key)
    now.set(key, element)
    if (element === place) place = element.nextElementSibling
    else parent.insertBefore(element, place)
    update(element, item, index)
  })
  for (const element of before.values()) element.remove()
  lists.set(parent, now)
}

/** @param {ReadonlyMap<string, unknown>} taken @param {string} key */
function freeKey(taken, key) {
  let free = key
  for (let count = 2; taken.has(free); count += 1) free = `${key} ${count}`
  return free
}

/**
 * A length of time in one or two units: `0.4 s`, `12 s`, `3 min`, `1 h 20 min`.
 * @param {number} ms
 */
export function duration(ms) {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 1 : 0)} s`
  if (seconds < 120) return `${Math.floor(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`
}

/**
 * The time of day of an instant, in the zone of the browser.
 * @param {number} ms
 */
export function timeOfDay(ms) {
  const date = new Date(ms)
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}
