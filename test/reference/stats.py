"""Reference values of src/stats.ts from scipy: python test/reference/stats.py > test/reference/stats.json (scipy >= 1.11)."""

import json

import numpy as np
from scipy import special, stats

COUNTS = [(3077, 3080), (0, 50), (50, 50), (1, 1), (0, 1), (7, 10), (1357, 1500), (1499, 1500), (2, 100000), (250000, 1000000)]
CONFIDENCES = [0.8, 0.95, 0.999]
BETA = [(0.5, 0.5, 0.1), (1, 1, 0.3), (2, 5, 0.9), (3077, 4, 0.999), (4, 3077, 0.001), (150.5, 20.25, 0.9),
        (1e5, 2e5, 0.3333), (1e5, 2e5, 0.34), (12, 0.01, 0.999), (1e-3, 30, 1e-6), (1500, 1500, 0.45)]
BINOMIAL = [(0, 150, 0.02), (12, 1050, 0.02), (21, 1050, 0.02), (40, 1050, 0.02), (5, 10, 0.5), (3, 20000, 0.001),
            (999, 1000, 0.99), (0, 1, 0.5), (10, 1500, 0.05)]
NORMAL = [1e-300, 1e-20, 1e-8, 0.001, 0.025, 0.07, 0.3, 0.5, 0.6, 0.9, 0.975, 0.999, 1 - 1e-10]
GAMMA = [1e-3, 0.1, 0.5, 1, 1.5, 2, 3.7, 10, 15.5, 16, 100.25, 1e6, 1e12]
DISCORDANT = [(0, 0), (1, 0), (5, 12), (12, 5), (30, 55), (100, 100), (0, 9), (400, 470)]
PERCENTILES = ([1.0, 2.5, 4.0, 10.0, 11.0], [0, 0.05, 0.25, 0.5, 0.9, 0.99, 1])


def clopper_pearson(k, n, confidence):
    tail = (1 - confidence) / 2
    low = 0.0 if k == 0 else float(stats.beta.ppf(tail, k, n - k + 1))
    high = 1.0 if k == n else float(stats.beta.ppf(1 - tail, k + 1, n - k))
    return [low, high]


def wilson(k, n, confidence):
    interval = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    return [float(interval.low), float(interval.high)]


print(json.dumps({
    "logGamma": [[x, float(special.gammaln(x))] for x in GAMMA],
    "incompleteBeta": [[a, b, x, float(special.betainc(a, b, x))] for a, b, x in BETA],
    "binomialCdf": [[k, n, p, float(stats.binom.cdf(k, n, p))] for k, n, p in BINOMIAL],
    "normalQuantile": [[p, float(special.ndtri(p))] for p in NORMAL],
    "clopperPearson": [[k, n, c, *clopper_pearson(k, n, c)] for k, n in COUNTS for c in CONFIDENCES],
    "wilson": [[k, n, c, *wilson(k, n, c)] for k, n in COUNTS for c in CONFIDENCES],
    "mcnemar": [[b, c, 1.0 if b + c == 0 else float(stats.binomtest(b, b + c).pvalue)] for b, c in DISCORDANT],
    "percentile": {"values": PERCENTILES[0],
                   "expected": [[p, float(np.quantile(PERCENTILES[0], p))] for p in PERCENTILES[1]]},
}, indent=1))
