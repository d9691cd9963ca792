exports.loud = (words) => words.toUpperCase();
