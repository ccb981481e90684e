/** What Python writes into a page: `report/evidence.py`, `report/map/drawn.py`, `report/pictures.py`,
 * `report/map/audited.py`, `report/matrix.py`. */

export type Maybe<T> = T | null;
export type Bound = [Maybe<number>, Maybe<number>];

export interface Interval {
  estimate: Maybe<number>;
  low: Maybe<number>;
  high: Maybe<number>;
  bound: Maybe<Bound>;
}

/** Marks by verdict. */
export type Marks = Record<string, string>;

/** What both pages' tables ask of a claim. */
export interface Listed {
  number: number;
  id: string;
  spec: string;
}

/** A claim of a run, as its row shows it. */
export interface ClaimRow {
  id: string;
  says: string;
  check: string;
  spec: string;
  line: number;
  model: string;
  verdict: string;
  state: string;
  outcome: string;
  measured: string;
  expected: string;
  n: string;
  rank: [number, number];
  interval: Maybe<Interval>;
  change: Maybe<{ kind: string; mark: string; text: string; reason?: string }>;
  moved: Maybe<[string, string]>;
  led: Maybe<string>;
  difference: Maybe<{ name: string; old: string; new: string; bound: string }>;
}

export type Claim = ClaimRow & Listed;

export interface RunData {
  claims: ClaimRow[];
  marks: Marks;
  map: MapPicture[];
}

/** A claim by its number, with its figure of one component; empty where that is the claim's. */
export type CitedClaim = [number, string];

export interface MapNode {
  name: string;
  label: string;
  shape: string;
  about: string;
  state: string;
  claims: CitedClaim[];
  change: string;
  was: boolean;
  hollow: boolean;
  denies: boolean;
  minor: boolean;
}

/** From one node to another, or from a token (row and column) to the head that reads it. */
export interface MapArrow {
  kind: "path" | "attention" | "moved";
  tail: Maybe<number>;
  token: Maybe<[number, number]>;
  head: number;
  about: string;
  state: string;
  claims: CitedClaim[];
  denies: boolean;
  minor: boolean;
}

/** Layers that are drawn as one row, or of which a reader asked for each; `claims` is empty. */
export interface MapFold {
  fold: number;
  isOpen: boolean;
  name: string;
  about: string;
  state: string;
  claims: CitedClaim[];
}

/** Middles of nodes; left and width of columns; top and height of rows, from the lowest up. */
export interface MapLayout {
  width: number;
  height: number;
  columns: [number, number][];
  rows: [number, number][];
  at: [number, number][];
}

/**
 * `layers` have their lowest and highest row, `heat` column, layer and share. `folds` are the first
 * and the last layer of each run in which nothing stands, and which is drawn as one row.
 */
export interface MapPicture {
  title: string;
  columns: string[];
  layers: [string, number, number][];
  folds: [number, number][];
  nodes: MapNode[];
  arrows: MapArrow[];
  heat: [number, number, number][];
  flows: number[];
  layouts: MapLayout[];
  crowded: boolean;
  dense: boolean;
  hidden: number;
}

/** A claim's row; at each checkpoint its state (a digit) and figure, and where the component leads. */
export type CourseCited = [number, string, string[], number[]];

export type CourseNode = Omit<MapNode, "claims"> & { claims: CourseCited[] };
export type CourseArrow = Omit<MapArrow, "claims"> & { claims: CourseCited[] };

/** One picture over all checkpoints of an audit; only the heat is listed by checkpoint. */
export type CoursePicture = Omit<MapPicture, "nodes" | "arrows" | "heat"> & {
  nodes: CourseNode[];
  arrows: CourseArrow[];
  heat: MapPicture["heat"][];
};

/** `states` by their digits, the worst first; `checkpoints` are those with records. */
export interface CourseMap {
  states: string[];
  checkpoints: number[];
  pictures: CoursePicture[];
}

export interface Statistic extends Interval {
  name: string;
  text: string;
  expected: string;
  verdict: string;
  n: number;
  level: string;
  method: string;
  family: string;
  p: string;
  opposite: Maybe<number>;
  examples: number;
}

export interface Difference extends Interval {
  name: string;
  change: string;
  mark: string;
  old: string;
  new: string;
  text: string;
  tolerance: string;
  level: string;
  n: number;
}

/** Examples of one statistic. */
export interface Strip {
  name: string;
  values: number[];
  of: number;
  opposite: Maybe<number>;
  worst: { text: string; value: string }[];
}

/** The commonest replies of an outcome. */
export interface Replies {
  outcome: string;
  count: number;
  shown: { prompt: string; reply: string; count: number }[];
}

/** What unfolds below a claim of a run; pictures and examples are left out where there is no room. */
export interface Evidence {
  on: string;
  sample: string;
  reason: string;
  notes: string[];
  source: string;
  command: string;
  facts: [string, string][];
  statistics: Statistic[];
  left_out: number;
  differences: Difference[];
  unpaired: string[];
  baseline: string;
  pictures?: Pictures;
  examples?: Strip[];
  replies?: Replies[];
}

export interface HeatmapPicture {
  title: string;
  rows: string[];
  columns: string[];
  values: Maybe<number>[][];
  now: string[];
  before: string[];
  then?: Maybe<number>[][];
  lacking?: string;
}

export interface FlowPicture {
  title: string;
  rows: string[];
  columns: string[];
  values: Maybe<number>[][];
  from: string;
  to: string;
  handover: Maybe<number>;
  handover_then: Maybe<number>;
  then?: Maybe<number>[][];
  lacking?: string;
}

export interface Line {
  name: string;
  x: (number | string)[];
  y: Maybe<number>[];
  low?: Maybe<number>[];
  high?: Maybe<number>[];
  then?: Maybe<number>[];
  then_low?: Maybe<number>[];
  then_high?: Maybe<number>[];
  step_low?: Maybe<number>[];
  step_high?: Maybe<number>[];
}

export interface Crossing {
  name: string;
  x: number;
  low: Maybe<number>;
  high: Maybe<number>;
}

export interface CurvesPicture {
  title: string;
  x_label: string;
  y_label: string;
  lines: Line[];
  marks: Crossing[];
  bound: Maybe<Bound>;
  lacking: string;
}

export interface BarsPicture {
  title: string;
  names: string[];
  values: Maybe<number>[];
}

export interface AttentionPicture {
  title: string;
  tokens: string[];
  weights: number[];
}

export interface SeparationPicture {
  title: string;
  groups: { name: string; values: number[] }[];
}

export interface Pictures {
  flow?: FlowPicture[];
  attention?: AttentionPicture[];
  curves?: CurvesPicture[];
  maps?: HeatmapPicture[];
  separations?: SeparationPicture[];
  bars?: BarsPicture[];
}

/** A claim of an audit, as its row shows it; places in lists are numbers of checkpoints. */
export interface AuditedRow {
  id: string;
  spec: string;
  says: string;
  check: string;
  line: number;
  kind: string;
  course: string;
  first: Maybe<number>;
  last: Maybe<number>;
  moves: [string, string, number][];
  falls: [string, number][];
  figures: Maybe<string[]>;
  verdicts: string;
}

export type AuditedClaim = AuditedRow & Listed;

export interface AuditData {
  names: string[];
  labels: string[];
  pages: Maybe<string>[];
  verdicts: Record<string, string>;
  marks: Marks;
  kinds: Marks;
  nothing: string;
  fell: string;
  map: CourseMap;
  claims: AuditedRow[];
}

/** One expected statistic, checkpoint by checkpoint. */
export interface Series {
  y: Maybe<number>[];
  low: Maybe<number>[];
  high: Maybe<number>[];
  of: Maybe<string>[];
  met: boolean[];
  bound: Bound;
  expected: string;
}

/** What unfolds below a claim of an audit. */
export interface AuditEvidence {
  expected: string;
  series: Record<string, Series>;
  of: string[];
  deciding: Maybe<number>[];
  who: string[];
  players: Maybe<number>[];
  reasons: Record<number, string>;
}

declare global {
  interface Window {
    Plotly: {
      react(node: Element, data: object[], layout: object, config: object): Promise<void>;
      purge(node: Element): void;
    };
  }
}
