// @ts-check
// The dialog that takes a lock away. Owns that it sends the token that its user typed, and that this is the token that the
// page showed when the dialog was opened: a lock that has changed hands meanwhile stays as it is.

import { byId, setForeign, setText } from './dom.mjs'

/** @import { BreakAnswer, ClaimView } from '../ui-messages.ts' */

const dialog = /** @type {HTMLDialogElement} */ (byId('break'))
const token = /** @type {HTMLInputElement} */ (byId('break-token'))
const go = /** @type {HTMLButtonElement} */ (byId('break-go'))

/** @type {{ name: string, token: string } | undefined} */
let asked

/**
 * Opens the dialog for this holder.
 * @param {string} name
 * @param {ClaimView} holder
 */
export function askToBreak(name, holder) {
  asked = { name, token: holder.token }
  setForeign(byId('break-name'), name)
  setForeign(byId('break-who'), `${holder.who}`)
  setText(byId('break-wrong'), '')
  token.value = ''
  token.placeholder = holder.token
  go.disabled = false
  dialog.showModal()
  token.focus()
}

byId('break-cancel').addEventListener('click', () => dialog.close())
byId('break-form').addEventListener('submit', (event) => {
  event.preventDefault()
  void submit()
})

async function submit() {
  if (!asked) return
  if (token.value.trim() !== asked.token)
    return setText(byId('break-wrong'), `It takes the token ${asked.token}.`)
  go.disabled = true
  try {
    const { broken, message } = await send(asked)
    if (!broken) return setForeign(byId('break-wrong'), message)
    dialog.close()
    setForeign(byId('said'), message)
    setTimeout(() => setForeign(byId('said'), ''), 8_000)
  } catch (error) {
    setForeign(byId('break-wrong'), `leasehold ui did not answer: ${error}`)
  } finally {
    go.disabled = false
  }
}

/**
 * @param {{ name: string, token: string }} wanted
 * @returns {Promise<BreakAnswer>}
 */
async function send(wanted) {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch('/break', { method: 'POST', headers, body: JSON.stringify(wanted) })
  const isJson = answer.headers.get('content-type')?.startsWith('application/json')
  return isJson ? answer.json() : { broken: false, message: await answer.text() }
}
