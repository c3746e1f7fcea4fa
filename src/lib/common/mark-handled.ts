/** Marks the promise as handled. It is awaited later, so an early rejection must not crash the process. */
export function markHandled<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => {});
  return promise;
}

/** Like Promise.all, but waits until all have settled. Of several errors, it throws the first one in their order. */
export async function allOf<Result>(promises: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
