// As most packages of npm are: CommonJS.
const { loud } = require('./loud');

module.exports = (words, times) => loud(words) + '!'.repeat(times);
