"""Made-up sales and feedback for `posventa demo`: pure, seeded, and nothing that anybody really said."""
