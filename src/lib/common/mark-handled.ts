/** What is begun now and waited for markHandled: until then its failure is nobody's. */
export function markHandled<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => {});
  return promise;
}
