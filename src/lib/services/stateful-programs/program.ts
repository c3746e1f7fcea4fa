/** A program whose state is its own: two of it on one state destroy it, or see only half of it each. */
export interface StatefulProgram {
  name: string;
  /** How its images are called: the last part of the name, or the last two. */
  images: readonly string[];
  /** Folders in which it keeps its state, where no other program would; what lies below them counts, too. */
  directories?: readonly string[];
  /** Ports by which it is known, where no other program would listen there. */
  ports?: readonly number[];
  /** Variables that only its server reads, or that only its image sets. */
  variables?: readonly string[];
  /** Its server, as a command. */
  servers?: readonly string[];
  /** Commands that ask it whether it is well. */
  checks?: readonly string[];
  /** Where this is documented. */
  source: string;
}
