"""Properties of the planner of sync: one base tree, changed twice, planned and carried out with every kind of luck.

The recipe is Dropbox's CanopyCheck (`strategies` makes the trees, `world` carries plans out and checks each step).
"""
