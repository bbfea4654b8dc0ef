/** Limits of the message broker on topics and filters ("AWS IoT Core message broker limits"). */
const maxTopicBytes = 256;
const maxSlashes = 7;

/** True when a topic or filter is within the broker's limits: 1 to 256 bytes, at most 7 slashes. */
export const withinTopicLimits = (topic: string): boolean =>
  topic !== '' && Buffer.byteLength(topic) <= maxTopicBytes && topic.split('/').length - 1 <= maxSlashes;

/** True when the wildcards of a filter stand where MQTT allows them: alone in their level, `#` last [MQTT-4.7.1]. */
export const isTopicFilter = (filter: string): boolean => {
  const levels = filter.split('/');
  return (
    filter !== '' &&
    levels.every(
      (level, index) =>
        level === '+' || (level === '#' && index === levels.length - 1) || !/[+#]/.test(level),
    )
  );
};

/** Compiles a topic filter. A wildcard in the first level does not match topics that start with `$` [MQTT-4.7.2-1]. */
export const topicMatcher = (filter: string): ((topic: string) => boolean) => {
  const levels = filter.split('/');
  const many = levels.at(-1) === '#';
  const fixed = many ? levels.slice(0, -1) : levels;
  const openStart = levels[0] === '+' || levels[0] === '#';
  return (topic) => {
    if (openStart && topic.startsWith('$')) return false;
    const given = topic.split('/');
    if (many ? given.length < fixed.length : given.length !== fixed.length) return false;
    return fixed.every((level, index) => level === '+' || level === given[index]);
  };
};
