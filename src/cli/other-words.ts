// The words by which users of other tools look for a subcommand. Owns which one each word means; Commander itself finds words
// that are only misspelt.

const meanings: Readonly<Record<string, readonly string[]>> = {
  run: ['lock', 'acquire', 'hold', 'with', 'exec', 'mutex', 'semaphore', 'flock', 'try'],
  lead: ['elect', 'election', 'campaign', 'candidate'],
  leader: ['observe', 'who'],
  cron: ['schedule', 'once', 'tick'],
  ls: ['status', 'show', 'survey', 'holders', 'names', 'locks', 'line'],
  break: ['unlock', 'release', 'steal', 'force', 'rm', 'delete', 'kill'],
  ui: ['web', 'watch', 'dashboard', 'serve', 'top'],
  doctor: ['check', 'health', 'ping', 'diagnose', 'test'],
}

/** The message of an unknown subcommand with the one that its word means in other tools. Returns other messages as they are. */
export function withMeaning(message: string): string {
  const word = /^unknown command '(.*)'$/.exec(message)?.[1]
  const meant = Object.entries(meanings).find(([, words]) => word !== undefined && words.includes(word))
  return meant ? `${message} (Did you mean ${meant[0]}?)` : message
}
