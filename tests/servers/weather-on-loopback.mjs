// Loaded before the weather server, which knows one address of its API alone: asks the one of the test in its place.
const real = globalThis.fetch;
const api = process.env.WEATHER_API;

globalThis.fetch = (url, options) => real(String(url).replace("https://api.weather.gov", api), options);
