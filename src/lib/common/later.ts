/** What is begun now and waited for later: until then its failure is nobody's. */
export function later<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => {});
  return promise;
}
