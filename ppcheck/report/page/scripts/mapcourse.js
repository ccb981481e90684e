// @ts-check
/** @import { CitedClaim, CourseCited, CourseNode, CoursePicture } from "./data.d.ts" */
/** @import { MapArrow, MapNode, MapPicture } from "./data.d.ts" */

const UNSAID = "·";
const HOLDS = ["holds", "moved"];

/**
 * A picture at one checkpoint, compared with another.
 * @typedef {{ at: number, since: number, states: string[] }} Moment
 */

/**
 * What a picture shows at a checkpoint: all keeps its place, and what moved since the other one
 * has its old place hollow and an arrow to the new.
 * @param {CoursePicture} whole
 * @param {string} title
 * @param {Moment} moment
 * @returns {MapPicture}
 */
export function pictureAt(whole, title, moment) {
  const moves = movesOf(whole.nodes, moment);
  const arrows = whole.arrows
    .map((arrow) => ({ ...arrow, ...saidAt(arrow.claims, moment) }))
    .filter(({ claims }) => claims.length);
  const linked = new Set(arrows.flatMap(({ tail, head }) => [tail, head]));
  const kept = [...whole.nodes.keys()].filter((n) => isThere(whole.nodes[n], n));
  /** @type {(node: CourseNode, n: number) => boolean} */
  function isThere({ claims }, n) {
    const isSaid = claims.some(([, states]) => states[moment.at] !== UNSAID);
    return claims.length ? isSaid || moves.left.has(n) : linked.has(n);
  }
  const places = new Map(kept.map((n, place) => [n, place]));
  /** @type {<T extends MapArrow>(arrow: T) => T} */
  const placed = (arrow) => ({
    ...arrow,
    tail: arrow.tail === null ? null : (places.get(arrow.tail) ?? null),
    head: places.get(arrow.head) ?? 0,
  });
  return {
    ...whole,
    title,
    nodes: kept.map((n) => nodeAt(whole.nodes[n], n, moves, moment)),
    arrows: [...arrows, ...moves.arrows].map(placed),
    heat: whole.heat[moment.at],
    layouts: whole.layouts.map((layout) => ({ ...layout, at: kept.map((n) => layout.at[n]) })),
  };
}

/**
 * The worst state of those claims that say something at the checkpoint, and these, worst first.
 * @param {CourseCited[]} all
 * @param {Moment} moment
 * @returns {{ state: string, claims: CitedClaim[] }}
 */
function saidAt(all, { at, states }) {
  const said = all
    .filter(([, digits]) => digits[at] !== UNSAID)
    .sort(([, one], [, other]) => Number(one[at]) - Number(other[at]));
  const state = said.length ? states[Number(said[0][1][at])] : "";
  return { state, claims: said.map(([row, , figures]) => [row, figures[at] ?? ""]) };
}

/**
 * @typedef {{ left: Map<number, number[]>, come: Set<number>, arrows: MapArrow[] }} Moves
 */

/**
 * @param {CourseNode} node
 * @param {number} n
 * @param {Moves} moves
 * @param {Moment} moment
 * @returns {MapNode}
 */
function nodeAt(node, n, moves, moment) {
  const { state, claims } = saidAt(node.claims, moment);
  const was = moves.left.has(n);
  const hollow = was && !claims.length;
  const gone = (moves.left.get(n) ?? []).map((row) => /** @type {CitedClaim} */ ([row, ""]));
  const before = saidAt(node.claims, { ...moment, at: moment.since });
  const change = moves.come.has(n) ? "→ moved" : becameSince(before.state, state);
  return hollow
    ? { ...node, state: "moved", claims: gone, was, hollow, change: "" }
    : { ...node, state, claims, was, hollow, change };
}

/**
 * What became of a component, in the words of the claims' courses.
 * @param {string} before
 * @param {string} now
 */
function becameSince(before, now) {
  if (!before || !now || HOLDS.includes(before) === HOLDS.includes(now)) return "";
  return HOLDS.includes(now) ? "↗ starts to hold" : "↘ stops holding";
}

/**
 * Who took over from whom. A role moves where the best one plays it no longer, or one that did not
 * play it is the best now: as in `report/across.py`.
 * @param {CourseNode[]} nodes
 * @param {Moment} moment
 * @returns {Moves}
 */
function movesOf(nodes, { at, since }) {
  const then = playersAt(nodes, since);
  const now = playersAt(nodes, at);
  /** @type {Map<string, MapArrow>} */
  const arrows = new Map();
  const left = new Map();
  const come = new Set();
  for (const [row, before] of then) {
    const after = now.get(row);
    if (!after || !isMoved(before, after)) continue;
    for (const [from, to] of pairsOf(before, after)) {
      left.set(from, [...(left.get(from) ?? []), row]);
      come.add(to);
      const known = arrows.get(`${from} ${to}`) ?? movedArrow(nodes, from, to);
      known.claims.push([row, ""]);
      arrows.set(`${from} ${to}`, known);
    }
  }
  return { left, come, arrows: [...arrows.values()] };
}

/** @typedef {{ best: number[], all: number[] }} Players */

/**
 * Who plays the role of each claim at a checkpoint, by the claim's row.
 * @param {CourseNode[]} nodes
 * @param {number} at
 */
function playersAt(nodes, at) {
  /** @type {Map<number, Players>} */
  const found = new Map();
  for (const [n, { claims }] of nodes.entries()) {
    for (const [row, states, , leads] of claims) {
      if (states[at] === UNSAID) continue;
      const players = found.get(row) ?? { best: [], all: [] };
      players.all.push(n);
      if (leads.includes(at)) players.best.push(n);
      found.set(row, players);
    }
  }
  return new Map([...found].filter(([, { best }]) => best.length));
}

/**
 * @param {Players} then
 * @param {Players} now
 */
const isMoved = (then, now) =>
  !then.best.some((n) => now.all.includes(n)) || !now.best.some((n) => then.all.includes(n));

/**
 * From each that plays no longer to one that does now; where all still play, from best to best.
 * @param {Players} then
 * @param {Players} now
 * @returns {[number, number][]}
 */
function pairsOf(then, now) {
  const gone = then.all.filter((n) => !now.all.includes(n));
  const fresh = now.all.filter((n) => !then.all.includes(n));
  const from = gone.length ? gone : then.best;
  const to = fresh.length ? fresh : now.best;
  return from.map((n, place) => [n, to[Math.min(place, to.length - 1)]]);
}

/**
 * @param {CourseNode[]} nodes
 * @param {number} tail
 * @param {number} head
 * @returns {MapArrow}
 */
const movedArrow = (nodes, tail, head) => ({
  kind: "moved",
  tail,
  token: null,
  head,
  about: `moved from ${nodes[tail].name} to ${nodes[head].name}`,
  state: "moved",
  claims: [],
  denies: false,
  minor: false,
});
