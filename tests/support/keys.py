"""A key for tests: random, so that it may stand in production's settings, and nobody's."""

KEY = "5d1f0a7c93be46e28f7b60d4c1a95e3782f4d06b9ce1a3574be8d2906cf7135a"
