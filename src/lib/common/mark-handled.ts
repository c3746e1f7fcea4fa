/** Marks the promise as handled. It is awaited later, so an early rejection must not crash the process. */
export function markHandled<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => {});
  return promise;
}
