"""Personal information (个人信息): what may be declared, and the register of what is kept."""
