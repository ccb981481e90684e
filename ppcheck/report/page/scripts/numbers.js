// @ts-check

/**
 * @param {number} count
 * @param {string} what
 */
export const plural = (count, what) =>
  `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

/**
 * @param {unknown} value
 * @returns {value is number}
 */
export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/**
 * Three significant digits, as in the terminal.
 * @param {unknown} value
 */
export const short = (value) => (isNumber(value) ? String(Number(value.toPrecision(3))) : "");

/**
 * An interval in words; an end that it does not have is infinite.
 * @param {unknown} low
 * @param {unknown} high
 */
export const ends = (low, high) => `[${short(low) || "-∞"}, ${short(high) || "∞"}]`;

/**
 * @param {unknown[]} values
 * @returns {[number, number]}
 */
export function extent(values) {
  const numbers = values.flat(2).filter(isNumber);
  return [Math.min(...numbers), Math.max(...numbers)];
}

/** @param {unknown[]} values */
export function rangeInWords(values) {
  const [least, most] = extent(values);
  return `Values from ${short(least)} to ${short(most)}`;
}

/** @param {number[]} values */
export const distinct = (values) => [...new Set(values)].sort((one, other) => one - other);
