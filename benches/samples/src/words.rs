//! Words that the sample documents are made of. They are pieces of JSON strings: what needs an escape has it.

/// User agents, up to their version number.
#[rustfmt::skip]
pub const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/",
    "Mozilla/5.0 (X11; Linux x86_64; rv:97.0) Gecko/20100101 Firefox/",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 15_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/",
    "Mozilla/5.0 (Linux; Android 12; SM-G991B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome Mobile/",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html) build/", "curl/7.81.",
    "python-requests/2.27.", "Prometheus/2.", "kube-probe/1.",
];

/// Names of the user agents, in the same order.
#[rustfmt::skip]
pub const AGENT_NAMES: &[&str] = &[
    "Chrome", "Safari", "Firefox", "Mobile Safari", "Chrome Mobile", "Googlebot", "curl", "Python Requests",
    "Prometheus", "kube-probe",
];

/// Operating systems of the user agents, in the same order.
#[rustfmt::skip]
pub const SYSTEMS: &[&str] = &[
    "Windows", "Mac OS X", "Linux", "iOS", "Android", "Other", "Other", "Other", "Other", "Other",
];

/// First parts of paths.
#[rustfmt::skip]
pub const FOLDERS: &[&str] = &[
    "images", "english", "french", "api/v1", "api/v2", "static/js", "static/css", "products", "search", "cart",
    "checkout", "account", "blog", "news", "docs", "download", "feeds", "health",
];

/// Second parts of paths.
#[rustfmt::skip]
pub const PAGES: &[&str] = &[
    "index", "logo_cfo", "hm_bg", "nav_bg_top", "items", "orders", "users", "sessions", "bundle", "vendor", "theme",
    "article", "archive", "release-notes", "hotels", "playing", "history", "venues", "competition", "individuals",
];

/// Ends of paths.
#[rustfmt::skip]
pub const EXTENSIONS: &[&str] = &[
    ".html", ".jpg", ".gif", ".js", ".css", "", "", ".json", ".png", ".svg",
];

/// A place: country code, country, city, latitude and longitude in 1/10,000 of a degree.
#[derive(Clone, Copy)]
pub struct Place {
    pub code: &'static str,
    pub country: &'static str,
    pub city: &'static str,
    pub latitude: i64,
    pub longitude: i64,
}

const fn place(code: &'static str, country: &'static str, city: &'static str, latitude: i64, longitude: i64) -> Place {
    Place { code, country, city, latitude, longitude }
}

/// Where requests and products come from.
pub const PLACES: &[Place] = &[
    place("US", "United States", "Ashburn", 390_437, -774_875),
    place("DE", "Germany", "Frankfurt am Main", 501_109, 86_821),
    place("JP", "Japan", "Tokyo", 356_895, 1_396_917),
    place("BR", "Brazil", "S\u{e3}o Paulo", -235_505, -466_333),
    place("IN", "India", "Mumbai", 190_760, 728_777),
    place("GB", "United Kingdom", "London", 515_074, -1278),
    place("FR", "France", "Saint-\u{c9}tienne", 454_397, 43_872),
    place("CN", "China", "\u{4e0a}\u{6d77}", 312_304, 1_214_737),
    place("AU", "Australia", "Sydney", -338_688, 1_512_093),
    place("ZA", "South Africa", "Cape Town", -339_249, 184_241),
    place("SE", "Sweden", "Malm\u{f6}", 556_050, 130_038),
    place("MX", "Mexico", "Quer\u{e9}taro", 205_888, -1_003_899),
    place("EG", "Egypt", "\u{627}\u{644}\u{642}\u{627}\u{647}\u{631}\u{629}", 300_444, 312_357),
    place("RU", "Russia", "\u{41c}\u{43e}\u{441}\u{43a}\u{432}\u{430}", 557_558, 376_173),
    place("CA", "Canada", "Montr\u{e9}al", 455_017, -735_673),
    place("KR", "South Korea", "\u{c11c}\u{c6b8}", 375_665, 1_269_780),
];

/// Words of names and descriptions, frequent ones first.
#[rustfmt::skip]
pub const WORDS: &[&str] = &[
    "the", "of", "and", "to", "in", "a", "is", "for", "with", "on", "that", "by", "this", "it", "from", "are", "as",
    "at", "was", "not", "be", "or", "an", "which", "has", "you", "can", "when", "more", "all", "one", "made", "use",
    "quality", "design", "light", "water", "steel", "cotton", "surface", "small", "large", "battery", "wireless",
    "portable", "durable", "kitchen", "garden", "outdoor", "handle", "storage", "system", "screen", "adjustable",
    "replacement", "original", "package", "includes", "warranty", "compatible", "operation", "temperature", "pressure",
    "capacity", "weight", "length", "aluminium", "stainless", "resistant", "ergonomic", "professional", "certified",
    "recycled", "breathable", "waterproof", "lightweight", "foldable", "magnetic", "vintage", "ceramic", "bamboo",
    "leather", "titanium", "polyester", "carbon", "glass", "hand-made", "limited", "edition", "collection", "series",
    "installation", "maintenance", "instructions", "measurement", "tolerance", "frequency", "bandwidth", "throughput",
    "calibration", "assembly", "fabric", "texture", "pattern", "harbour", "mountain", "valley", "river", "village",
    "province", "administrative", "population", "elevation", "coordinates", "municipality", "district", "coastal",
    "historic", "cathedral", "fortress", "archipelago", "peninsula", "plateau", "caf\u{e9}", "na\u{ef}ve",
    "fa\u{e7}ade", "Gr\u{f6}\u{df}e", "smörgåsbord", "jalape\u{f1}o", "\u{153}uvre", "\u{3a9}mega", "\u{2014}",
    "\u{201c}quoted\u{201d}", "\\\"escaped\\\"", "C:\\\\path", "50\\u00b0C",
];

/// Phrases in many scripts, with emoji and combining marks.
#[rustfmt::skip]
pub const PHRASES: &[&str] = &[
    "\u{6771}\u{4eac}\u{306e}\u{65b0}\u{5546}\u{54c1}", "\u{9ad8}\u{54c1}\u{8d28}\u{4ea7}\u{54c1}",
    "\u{41d}\u{43e}\u{432}\u{44b}\u{439} \u{442}\u{43e}\u{432}\u{430}\u{440}",
    "\u{645}\u{646}\u{62a}\u{62c} \u{62c}\u{62f}\u{64a}\u{62f}", "\u{5de}\u{5d5}\u{5e6}\u{5e8} \u{5d7}\u{5d3}\u{5e9}",
    "\u{c2e0}\u{c81c}\u{d488}", "\u{1f680} rocket \u{1f9ea}", "na\u{ef}ve \u{2744}\u{fe0f}", "e\u{301}clair",
    "\u{928}\u{92f}\u{93e} \u{909}\u{924}\u{94d}\u{92a}\u{93e}\u{926}", "\u{1d50a}othic",
    "\u{3a0}\u{3c1}\u{3bf}\u{3ca}\u{3cc}\u{3bd}",
];

/// Categories of products.
#[rustfmt::skip]
pub const CATEGORIES: &[&str] = &[
    "Electronics", "Home & Kitchen", "Garden", "Sports", "Toys", "Books", "Automotive", "Health", "Beauty", "Clothing",
    "Music", "Office", "Pet Supplies", "Grocery", "Caf\u{e9} & Bar", "B\u{fc}ro",
];

/// Colours.
#[rustfmt::skip]
pub const COLORS: &[&str] = &[
    "black", "white", "red", "blue", "green", "silver", "gold", "anthracite", "t\u{fc}rkis", "\u{7d2b}",
];

/// Currencies.
#[rustfmt::skip]
pub const CURRENCIES: &[&str] = &[
    "EUR", "USD", "GBP", "JPY", "CHF", "INR",
];

/// Names of reviewers.
#[rustfmt::skip]
pub const USERS: &[&str] = &[
    "anna", "bj\u{f6}rn", "chen", "dmitri", "eve", "fatima", "g\u{fc}nther", "hiro", "ivan", "jos\u{e9}", "karin",
    "liam", "mei", "nadia", "olga", "pavel",
];
