/**
 * Posts a message as JSON.
 *
 * @param url a secret: anyone who knows it may write there, so no error shows it
 * @param timeout in milliseconds
 * @returns why the message was not accepted; undefined if it was
 */
export async function postMessage(url: string, message: object, timeout = 10_000): Promise<string | undefined> {
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(message),
      signal: AbortSignal.timeout(timeout),
      // The message is for this address alone, and must not leave TLS.
      redirect: "manual",
    });
    await answer.body?.cancel();
    return answer.ok ? undefined : `it answered ${answer.status}`;
  } catch (cause) {
    if (cause instanceof Error && cause.name === "TimeoutError") return `it did not answer within ${timeout / 1000} s`;
    const code = cause instanceof Error && cause.cause instanceof Error && "code" in cause.cause ? String(cause.cause.code) : "no address";
    return `it cannot be reached (${code})`;
  }
}
