// The rule for commit messages, which `npm run check` applies to the history.
import { expect, test } from 'vitest'
import { faultsOf } from '../../tools/commits.mjs'

const body = 'The timer was set twice,\nso an early one won.'

test.each([
  ['a subject of 72 characters', `${'x'.repeat(72)}\n\n${body}\n`],
  ['a subject and a body', `Session: one timer\n\n${body}\n`],
])('%s is a good message', (_, message) => {
  expect(faultsOf(message)).toEqual([])
})

test.each([
  [
    'a subject of 73 characters',
    `${'x'.repeat(73)}\n\n${body}`,
    'the subject has 73 characters; at most 72 are allowed',
  ],
  ['no subject', `\n\n${body}`, 'the subject is empty'],
  ['a full stop', `Session: one timer.\n\n${body}`, 'the subject ends with a full stop'],
  ['a subject of two lines', `Session:\none timer\n\n${body}`, 'the line after the subject is not blank'],
  ['no body', 'Session: one timer\n', 'there is no body that says why'],
  ['a blank body', 'Session: one timer\n\n  \n', 'there is no body that says why'],
])('a message with %s is refused', (_, message, fault) => {
  expect(faultsOf(message)).toEqual([fault])
})
