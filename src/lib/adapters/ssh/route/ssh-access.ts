/** Who is present while hosts are connected to, and what they are told. */
export interface HostAccess {
  /** Once aborted, connections that are being made are given up. */
  signal?: AbortSignal;
  /** Asks the person at the terminal for something that is not shown; absent if nobody is there, as in a job. */
  askSecret?: (question: string) => Promise<string>;
  /** Receives warnings about what is not as it should be. The work goes on. */
  warn?: (text: string) => void;
  /** Receives a line about where each value of a connection came from: `--verbose`. */
  explain?: (line: string) => void;
}
