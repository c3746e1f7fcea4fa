/** A program with state of its own. Two instances on one state destroy it, or each see only half of it. */
export interface StatefulProgram {
  name: string;
  /** Names of its images: the last part of the name, or the last two. */
  images: readonly string[];
  /** Folders in which it keeps its state and no other program would. Anything below them counts, too. */
  directories?: readonly string[];
  /** Ports that identify it, because no other program would listen there. */
  ports?: readonly number[];
  /** Variables that only its server reads, or that only its image sets. */
  variables?: readonly string[];
  /** The command that runs its server. */
  servers?: readonly string[];
  /** Commands that check its health. */
  checks?: readonly string[];
  /** The source of this information. */
  source: string;
}
