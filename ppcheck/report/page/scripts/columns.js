// @ts-check
/** @import { Claim } from "./data.d.ts" */

/** @typedef {(one: Claim, other: Claim) => number} Order */

/**
 * @param {(claim: Claim) => string} key
 * @returns {Order}
 */
const byText = (key) => (one, other) => key(one).localeCompare(key(other), "en", { numeric: true });

/** @param {Claim} claim */
const measured = ({ interval }) => interval?.estimate ?? Infinity;

/**
 * The most urgent first.
 * @type {Order}
 */
export const byRank = (one, other) =>
  one.rank[0] - other.rank[0] || one.rank[1] - other.rank[1] || one.number - other.number;

/**
 * What changed most first.
 * @type {Order}
 */
export const byChange = (one, other) => one.rank[1] - other.rank[1] || byRank(one, other);

/** The number in `1,234` and in `all 72`. @param {Claim} claim */
const size = ({ n }) => Number(n.replace(/\D/g, ""));

/**
 * Columns of the table, each with the order by which it sorts.
 * @param {boolean} isCompared
 * @returns {{ name: string, order?: Order }[]}
 */
export const columns = (isCompared) => [
  { name: "verdict", order: byRank },
  { name: "claim", order: byText(({ id }) => id) },
  { name: "check", order: byText(({ check }) => check) },
  { name: "measured", order: (one, other) => measured(one) - measured(other) },
  { name: "expected" },
  { name: "n", order: (one, other) => size(one) - size(other) },
  ...(isCompared ? [{ name: "change", order: byChange }] : []),
];
