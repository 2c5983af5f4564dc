// The attribute `error.type` of OpenTelemetry's conventions, for metrics and spans.

/** The type of an error, as OpenTelemetry's conventions name it: the code of ours, otherwise the class. */
export function errorType(error: unknown): string {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown }
  return typeof code === 'string' ? code : typeof name === 'string' ? name : '_OTHER'
}
