// What a call says no with, at once or as a rejected promise.

/** The error that the call throws or rejects with; undefined if it does neither. */
export function refusalOf(call: () => unknown): unknown {
  try {
    const result = call()
    return result instanceof Promise ? result.then(() => undefined, identity) : undefined
  } catch (error) {
    return error
  }
}

const identity = (error: unknown): unknown => error
