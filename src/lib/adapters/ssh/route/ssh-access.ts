/** Who is there while hosts are connected to, and what they are told. */
export interface HostAccess {
  /** Aborted: connections that are being made are given up. */
  signal?: AbortSignal;
  /** Asks the person at the terminal for something that is not shown; absent: nobody is there, as in a job. */
  askSecret?: (question: string) => Promise<string>;
  /** Told what is not as it should be, and goes on. */
  warn?: (text: string) => void;
  /** Told where each value of a connection came from: `--verbose`. */
  explain?: (line: string) => void;
}
