def svg(outcomes):
    return ""
